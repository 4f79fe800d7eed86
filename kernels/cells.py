"""Gaussian rows by sufficient statistics, location effects integrated out: what backends take and return.

A cell is a set of rows of one group with one sigma. With S the cross-products of B basis columns and ``e_m``
the residual of outcome m in that basis, the cell's moments are ``Z'r_m = S_zb e_m`` and ``r_m'r_n = e_m'S e_n``;
a shift ``delta`` of the effects' mean takes ``Z delta`` off the residuals. Then, as in
:mod:`hmlm.kernels.rows`,

    value = sum_cells [ -n sum_m s_m - r'Wr / 2 ] + sum_j [ |C^-1 v|^2 / 2 - sum log diag C ]
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import jax
from jax import Array


class CellTerms(NamedTuple):
    """Outcome of every integrated effect, and the number J of groups."""

    effects: tuple[int, ...]
    groups: int


@jax.tree_util.register_dataclass
@dataclass(frozen=True)
class CellData:
    """Cross-products of T = J V cells, V of each group next to each other.

    Attributes:
        count: (T,) rows.
        basis: (B, B, T), or their sum (B, B, 1) where sigma is constant and no effect's mean is shifted.
        mixed: (B, Q, T) basis by columns of the effects.
        varying: (Q, Q, T) columns of the effects.
    """

    count: Array
    basis: Array
    mixed: Array
    varying: Array


class CellPoint(NamedTuple):
    """What changes from one evaluation to the next; gradients have the same form.

    Attributes:
        residual: (B, M) residual of every outcome in the basis.
        shift: (Q, J) mean of the integrated effects given the sampled ones, None for zero.
        log_sigma: (M, T), or (M, 1) where sigma is constant.
        precision: (M, M) P, inverse of the residual correlation.
        factor: (Q, Q) lower Cholesky factor Lambda of the integrated effects' covariance.
    """

    residual: Array
    shift: Array | None
    log_sigma: Array
    precision: Array
    factor: Array
