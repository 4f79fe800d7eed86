"""Rows of a generalised linear model with its canonical link: what every backend takes and returns.

    eta_i = sum_a coefficients[a, j(i)] d_ik  over the terms a, k the column of a
    value = sum_i [ y_i eta_i - n_i b(eta_i) ]

with ``b(eta) = log(1 + exp(eta))`` for the logit link (y successes of n trials) and ``b(eta) = exp(eta)`` for
the log link (y events in n units of exposure). Weights of rows multiply y and n. What does not depend on eta
is the caller's.

References:
    McCullagh & Nelder (1989), Generalized Linear Models, section 2.2.
"""

from __future__ import annotations

import enum
from typing import NamedTuple


class Canonical(enum.IntEnum):
    """The links that kernels know, by their numbers there."""

    LOGIT = 0
    LOG = 1


class GlmTerms(NamedTuple):
    """Column of every coefficient, and the link."""

    columns: tuple[int, ...]
    link: Canonical
