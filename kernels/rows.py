"""Gaussian rows, their group's location effects integrated out: what every backend takes and returns.

    mu_im = sum of point.mean[a, j] d_ik over the terms a = (m, k) of outcome m, plus its offset
    s_im = log sigma_im, likewise from point.scale
    z_iq = d_ik for the integrated effect q = (m, k);  W_i = D_i^-1 P D_i^-1 with D_i = diag(exp(s_i))
    r = y - mu;  F = Z'WZ;  g = Z'Wr;  A = I + Lambda'F Lambda = CC';  v = Lambda'g

    value = sum_j [ -sum s - r'Wr / 2 + |C^-1 v|^2 / 2 - sum log diag C ]

The constants ``-N M log(2 pi) / 2`` and ``N log|P| / 2`` are the caller's. The gradient is Fisher's
identity: the complete-data gradient averaged over the posterior of the effects.
"""

from __future__ import annotations

from typing import NamedTuple

from jax import Array

Term = tuple[int, int]


class RowTerms(NamedTuple):
    """(outcome, column) of every coefficient of the means, of the log sigmas, of every integrated effect."""

    mean: tuple[Term, ...]
    scale: tuple[Term, ...]
    effects: tuple[Term, ...]


class RowPoint(NamedTuple):
    """What changes from one evaluation to the next; gradients have the same form.

    Attributes:
        mean: (A, J) coefficients of the means by group.
        scale: (S, J) coefficients of the log sigmas by group.
        precision: (M, M) P, inverse of the residual correlation.
        factor: (Q, Q) lower Cholesky factor Lambda of the integrated effects' covariance.
        offset: (2, M, *rows) what else the means and the log sigmas add up, in the backend's layout of rows;
            None where there is nothing.
    """

    mean: Array
    scale: Array
    precision: Array
    factor: Array
    offset: Array | None
