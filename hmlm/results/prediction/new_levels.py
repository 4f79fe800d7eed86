"""Group effects of levels that the model has not seen: one joint draw for all parameters and outcomes."""

from __future__ import annotations

import zlib
from collections.abc import Mapping, Sequence

import numpy as np

from hmlm.results.prediction.draws import Draws
from hmlm.results.prediction.related import related_effects
from hmlm.spec.hint import did_you_mean
from hmlm.spec.names import cor_names, sd_coefficient_names, sd_names
from hmlm.spec.spec import Block, Spec
from hmlm.types import HmlmError, KnownCovariance

UNCERTAINTY, GAUSSIAN, OLD_LEVELS = "uncertainty", "gaussian", "old_levels"
NOTHING: Mapping[int, np.ndarray] = {}
WAYS = (UNCERTAINTY, GAUSSIAN, OLD_LEVELS)


def check_way(way: str) -> None:
    """Refuse an unknown ``sample_new_levels``."""
    if way not in WAYS:
        hint = did_you_mean(str(way), WAYS)
        raise HmlmError(f"sample_new_levels={way!r}: choose one of {', '.join(map(repr, WAYS))}{hint}")


def new_effects(
    spec: Spec,
    draws: Draws,
    f: int,
    new: Sequence[str],
    way: str,
    seed: int,
    levels: Mapping[int, np.ndarray] = NOTHING,
    known: Sequence[KnownCovariance] = (),
) -> Mapping[tuple[int, int], np.ndarray]:
    """(L, S) effects of L new levels of factor ``f``, by block and position.

    A level's draws depend on its text and the seed only, not on what else is predicted.

    Args:
        spec: the model.
        draws: S draws.
        f: the factor.
        new: L texts.
        way: as in brms, ``"uncertainty"``: in each draw those of one known level (of the same level of a
            by-variable), chosen anew per draw;
            ``"old_levels"``: those of one known level throughout; ``"gaussian"``: from the normal
            distribution that the standard deviations and correlations of the draw describe.
        seed: of the new levels.
        levels: per predictor of standard deviations of this factor, (J + L, W) covariates. A new level's
            effects are as much larger than those of another level as its standard deviations are.
        known: covariances between levels: blocks that have one take new levels from it, whatever the way.
    """
    related = _related(spec, draws, f, new, seed, known)
    blocks = [b for b, block in enumerate(spec.blocks) if block.factor == f and block.known is None]
    rngs = [np.random.default_rng((seed, zlib.crc32(text.encode()))) for text in new]
    n_levels, scales = spec.factors[f].n_levels, _scales(spec, draws, levels)
    if way == GAUSSIAN:
        found = _gaussian(spec, draws, blocks, rngs)
        return related | {k: u * scales[k][n_levels:] if k in scales else u for k, u in found.items()}
    each, size = np.arange(draws.size), draws.size if way == UNCERTAINTY else 1
    members = {b: _members(spec, b) for b in blocks}
    picked = {
        known: [rng.choice(known, size=size) for rng in rngs] for known in dict.fromkeys(members.values())
    }
    out = dict(related)
    for b in blocks:
        for q in range(spec.blocks[b].size):
            levels = picked[members[b]]
            out[b, q] = np.stack([draws.effect(b, q)[one, each] for one in levels])
            if (b, q) in scales:
                old = np.stack([scales[b, q][one, each] for one in levels])
                out[b, q] = out[b, q] * scales[b, q][n_levels:] / old
    return out


def _related(
    spec: Spec, draws: Draws, f: int, new: Sequence[str], seed: int, known: Sequence[KnownCovariance]
) -> dict[tuple[int, int], np.ndarray]:
    """(L, S) effects of blocks whose levels have a known covariance."""
    by_name = {one.name: one for one in known}
    out: dict[tuple[int, int], np.ndarray] = {}
    for b, block in enumerate(spec.blocks):
        if block.factor == f and block.known is not None:
            between = covariance(spec, block, draws)
            out |= related_effects(spec, draws, b, by_name[block.known.name], new, seed, between)
    return out


def _members(spec: Spec, b: int) -> tuple[int, ...]:
    """The known levels that a block describes: all, or those of one level of a by-variable."""
    block = spec.blocks[b]
    return tuple(range(spec.factors[block.factor].n_levels)) if block.members is None else block.members


def _scales(spec: Spec, draws: Draws, levels: Mapping[int, np.ndarray]) -> dict[tuple[int, int], np.ndarray]:
    """(J + L, S) ratios of levels' standard deviations to those named in draws, by block and position."""
    out: dict[tuple[int, int], np.ndarray] = {}
    for s, columns in levels.items():
        gamma = np.stack([draws[name] for name in sd_coefficient_names(spec, s)])
        out |= dict.fromkeys(spec.sds[s].terms, np.exp(columns @ gamma))
    return out


def _gaussian(
    spec: Spec, draws: Draws, blocks: Sequence[int], rngs: Sequence[np.random.Generator]
) -> dict[tuple[int, int], np.ndarray]:
    out: dict[tuple[int, int], np.ndarray] = {}
    for b in blocks:
        factor = np.linalg.cholesky(covariance(spec, spec.blocks[b], draws))
        noise = np.stack([rng.standard_normal((draws.size, spec.blocks[b].size)) for rng in rngs])
        effects = np.einsum("sqr,lsr->qls", factor, noise)
        out |= {(b, q): effects[i] for i, q in enumerate(spec.blocks[b].order)}
    return out


def covariance(spec: Spec, block: Block, draws: Draws) -> np.ndarray:
    """(S, Q, Q) covariance of a block's effects in each draw, in brms's order."""
    sd = np.stack([draws[name] for name in sd_names(spec, block)], axis=1)
    return draws.correlation(cor_names(spec, block), block.size) * sd[:, :, None] * sd[:, None, :]
