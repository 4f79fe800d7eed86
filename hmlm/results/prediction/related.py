"""Group effects of new levels that a known covariance relates to those of the data.

u_new | u_old ~ N(G u_old, S (x) Sigma)        G = A_no A_oo^-1        S = A_nn - G A_on
"""

from __future__ import annotations

import zlib
from collections.abc import Sequence

import numpy as np

from hmlm.results.prediction.draws import Draws
from hmlm.spec.spec import Spec
from hmlm.types import HmlmError, KnownCovariance

Keyed = dict[tuple[int, int], np.ndarray]


def related_effects(
    spec: Spec,
    draws: Draws,
    b: int,
    known: KnownCovariance,
    new: Sequence[str],
    seed: int,
    between: np.ndarray,
) -> Keyed:
    """(L, S) effects of L new levels of a block with a known covariance, by block and position.

    A level's draws depend on its text and the seed only: those of all levels without rows are drawn jointly.

    Args:
        spec: the model.
        draws: S draws.
        b: the block.
        known: the covariance between levels.
        new: L texts.
        seed: of the new levels.
        between: (S, Q, Q) covariance of the block's effects in each draw, in brms's order.

    Raises:
        HmlmError: a level that the covariance does not name.
    """
    block = spec.blocks[b]
    factor = spec.factors[block.factor]
    _check_named(factor.name, known, new)
    unseen = [level for level in known.levels if level not in set(factor.levels)]
    wanted = [unseen.index(text) for text in new]
    gain, root = _conditional(known, factor.levels, unseen)
    roots = np.linalg.cholesky(between)
    own = root[wanted] @ _noise(unseen, draws.size, block.size, seed).reshape(len(unseen), -1)
    effects = np.einsum("sqr,lsr->qls", roots, own.reshape(len(new), draws.size, block.size))
    return {(b, q): gain[wanted] @ draws.effect(b, q) + effects[i] for i, q in enumerate(block.order)}


def _noise(levels: Sequence[str], n_draws: int, size: int, seed: int) -> np.ndarray:
    """(L, S, Q) standard normal noise, of a level always the same."""
    rngs = [np.random.default_rng((seed, zlib.crc32(level.encode()))) for level in levels]
    return np.stack([rng.standard_normal((n_draws, size)) for rng in rngs])


def _conditional(
    known: KnownCovariance, old: Sequence[str], new: Sequence[str]
) -> tuple[np.ndarray, np.ndarray]:
    """(L, J) G and the (L, L) Cholesky factor of S."""
    whole = known.between((*old, *new))
    n_old = len(old)
    gain = np.linalg.solve(whole[:n_old, :n_old], whole[:n_old, n_old:]).T
    return gain, np.linalg.cholesky(whole[n_old:, n_old:] - gain @ whole[:n_old, n_old:])


def _check_named(factor: str, known: KnownCovariance, new: Sequence[str]) -> None:
    names = set(known.levels)
    missing = next((text for text in new if text not in names), None)
    if missing is not None:
        raise HmlmError(
            f"'{factor}' has the new level {missing!r}, which the known covariance '{known.name}' does not "
            "name, so that its effects cannot be drawn: fit with a matrix that names it (levels without rows "
            'do no harm there), or say re_formula="NA" for an average level'
        )
