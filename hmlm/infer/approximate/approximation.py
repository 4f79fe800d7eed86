"""``algorithm="map"``, ``"laplace"``, ``"pathfinder"``, ``"svi"``: what each gives for a density."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from hmlm.density.log_density import LogDensity
from hmlm.infer.approximate.climb import Hill, Point
from hmlm.infer.approximate.laplace import draw_laplace, find_mode
from hmlm.infer.approximate.pool import FEWEST, PER_DRAW, USABLE, Pool
from hmlm.infer.initial import starting_points
from hmlm.infer.settings import Settings
from hmlm.types import HmlmError

MAP, LAPLACE, PATHFINDER, SVI = "map", "laplace", "pathfinder", "svi"
PATHS = 4  # starting points, of which Pathfinder takes all
ATTEMPTS = 20  # at a starting point with a finite density


@dataclass(frozen=True, eq=False)
class Approximation:
    """Independent draws of an approximation; of a mode one.

    Attributes:
        position: (S, D).
        log_density: (S,) of the model there, up to a constant.
        khat: Pareto k-hat of the importance ratios; None for a mode.
        resampled: whether draws were taken by importance.
        n_gradients: evaluations of the density.
        seconds: wall-clock, all of it.
    """

    position: np.ndarray
    log_density: np.ndarray
    khat: float | None
    resampled: bool
    n_gradients: int
    seconds: float


def approximate(density: LogDensity, settings: Settings, points: np.ndarray | None = None) -> Approximation:
    """The approximation of a density that ``settings.algorithm`` makes.

    From four times as many draws as are wanted, 1000 at least, k-hat is found, and ``settings.draws``
    taken by importance if it is below 0.7 or ``settings.resample`` says so; else the first ones as they are.

    Args:
        density: of the model.
        settings: algorithm, draws, seed and resample.
        points: (P, D) where it starts; None takes points around the density's initial one.

    Raises:
        HmlmError: no starting point has a finite density, or the algorithm fails.
    """
    began, hill, rng = time.perf_counter(), Hill(density), np.random.default_rng(settings.seed)
    starts = _usable(hill, settings.seed) if points is None else _checked(hill, points)
    if settings.algorithm == MAP:
        drawn = _of_mode(find_mode(hill, starts[0]))
    else:
        pool = METHODS[settings.algorithm](hill, starts, max(PER_DRAW * settings.draws, FEWEST), rng)
        drawn = _of_pool(pool, settings, rng)
    return Approximation(*drawn, hill.n_gradients, time.perf_counter() - began)


class _Drawn(NamedTuple):
    position: np.ndarray
    log_density: np.ndarray
    khat: float | None
    resampled: bool


def _of_mode(mode: Point) -> _Drawn:
    return _Drawn(mode.position[None], np.array([mode.value]), None, False)


def _of_pool(pool: Pool, settings: Settings, rng: np.random.Generator) -> _Drawn:
    n, khat = settings.draws, pool.khat
    resampled = khat < USABLE if settings.resample is None else settings.resample
    chosen = pool.resampled(n, rng) if resampled else rng.permutation(len(pool.log_p))[:n]
    return _Drawn(pool.position[chosen], pool.log_p[chosen], khat, resampled)


def pilot_points(density: LogDensity, seed: int, attempt: int) -> np.ndarray:
    """(PATHS, D) the density's initial point and points around it; later attempts come nearer to it."""
    points = starting_points(density, PATHS, seed, attempt)
    return np.concatenate([density.initial[None], points[1:]]) if attempt == 0 else points


def _checked(hill: Hill, points: np.ndarray) -> np.ndarray:
    """(P, D) points of finite density."""
    size = hill.density.size
    if points.ndim != 2 or points.shape[1] != size or not len(points):
        raise HmlmError(
            f"init has the shape {points.shape}, but approximations start at (paths, {size}) points"
        )
    if not all(hill.at(x).usable for x in points):
        raise HmlmError("the density is not finite at the points of init=: give others, or leave init out")
    return points


def _usable(hill: Hill, seed: int) -> np.ndarray:
    """(PATHS, D) starting points of finite density, drawn again where it is not."""
    points = pilot_points(hill.density, seed, 0)
    for attempt in range(1, ATTEMPTS + 1):
        bad = np.array([not hill.at(x).usable for x in points])
        if not bad.any():
            return points
        points[bad] = pilot_points(hill.density, seed, attempt)[bad]
    raise HmlmError(
        f"no finite starting point after {ATTEMPTS} attempts: a column may be far from the others in scale, "
        "or a prior may exclude what the data say; rescale columns and check the bounds of the priors"
    )


def _laplace(hill: Hill, points: np.ndarray, draws: int, rng: np.random.Generator) -> Pool:
    return draw_laplace(hill, find_mode(hill, points[0]), draws, rng)


def _pathfinder(hill: Hill, points: np.ndarray, draws: int, rng: np.random.Generator) -> Pool:
    from hmlm.infer.approximate.pathfinder import draw_pathfinder  # BlackJAX takes a third of a second

    return draw_pathfinder(hill, points, draws, rng)


def _svi(hill: Hill, points: np.ndarray, draws: int, rng: np.random.Generator) -> Pool:
    from hmlm.infer.approximate.svi import draw_svi  # as do NumPyro's guides

    return draw_svi(hill, points[0], draws, rng)


METHODS = {LAPLACE: _laplace, PATHFINDER: _pathfinder, SVI: _svi}
