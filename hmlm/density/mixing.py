"""Known covariances between levels: effects of dependent levels from those of independent pseudo-levels.

The (Q, J) effects of a block with the known covariance A between levels are

    u = t W'        t_k ~ N(0, LL'), independent over k        WW' = A

for any such W. With W = CV, A = CC' and V the eigenvectors of ``C' diag(d) C``, a precision d that is
diagonal in u is diagonal in t as well: what the rows say of one coefficient, ``exp(-u'Fu / 2 + k'u)``,
they say of each ``t_k`` apart, F and k rotated once and for all. So pseudo-levels are sampled in
coordinates from their own information, or integrated out level by level, as if levels were independent.

References:
    Henderson (1976), doi:10.2307/2529339; Kang et al. (2008), doi:10.1534/genetics.107.080101
"""

from __future__ import annotations

import numpy as np
from jax import Array

from hmlm.kernels.arrays import on_device
from hmlm.kernels.fusing import product
from hmlm.spec.spec import Block
from hmlm.types import Design

Mixing = tuple[np.ndarray | None, ...]


def known_covariance(block: Block, design: Design) -> np.ndarray:
    """(J, J) known covariance A of a block's levels."""
    (known,) = (known for known in design.known if known.name == block.known.name)
    return known.between(design.factors[block.factor].levels)


def mixing_matrix(covariance: np.ndarray, precision: np.ndarray) -> np.ndarray:
    """(J, J) W with ``W W' = A`` and ``W' diag(d) W`` diagonal, for a (J,) precision d.

    Pseudo-levels of which nothing is known stand where d is zero.
    """
    root = np.linalg.cholesky(covariance)
    _, vectors = np.linalg.eigh(root.T @ (precision[:, None] * root))
    place = np.argsort(precision > 0, kind="stable")
    mixing = np.empty_like(root)
    mixing[:, place] = root @ vectors
    return mixing


def device_mixing(mixing: Mixing) -> tuple[Array | None, ...]:
    """The same as arguments of programs."""
    return tuple(None if own is None else on_device(own) for own in mixing)


def mixed_levels(effects: Array, mixing: Array | None) -> Array:
    """(Q, J) effects of levels from those of independent pseudo-levels, ``t W'``."""
    return effects if mixing is None else product(effects, mixing.T)


def variance_between(mixing: np.ndarray | None) -> float:
    """Expected variance of levels around their mean if their standard deviation is one."""
    if mixing is None:
        return 1.0
    return float(np.sum((mixing - mixing.mean(0)) ** 2) / (len(mixing) - 1))
