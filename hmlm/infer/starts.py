"""``init=``: where chains start, from a quick estimate, an approximation or points that are given.

``"auto"`` starts around the pilot, and from Pathfinder's draws where points around the pilot have no finite
density. ``"pilot"`` never does the latter. ``"map"`` starts around the mode, ``"laplace"`` and
``"pathfinder"`` from draws of these approximations.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from functools import cache, partial
from typing import Any

import numpy as np

from hmlm.density.log_density import LogDensity
from hmlm.infer.approximate.approximation import LAPLACE, MAP, PATHFINDER, approximate
from hmlm.infer.initial import around, starting_points
from hmlm.infer.settings import Settings
from hmlm.infer.superchains import n_superchains, superchain_index
from hmlm.spec.hint import did_you_mean
from hmlm.types import HmlmError

AUTO, PILOT = "auto", "pilot"
NAMES = (AUTO, PILOT, PATHFINDER, LAPLACE, MAP)
PATIENCE = 8  # attempts at points around the pilot, before Pathfinder is asked
GIVEN_POINTS = "points "

Starts = Callable[..., np.ndarray]


def init_name(init: Any) -> str:
    """What settings say of an ``init``: a name, or a hash of (C, D) points.

    Raises:
        HmlmError: an unknown name, or no array of points.
    """
    if isinstance(init, str):
        if init not in NAMES:
            hint = did_you_mean(init, NAMES)
            raise HmlmError(
                f"init={init!r} is unknown{hint}; choose one of {', '.join(NAMES)}, a fit of this model, or "
                "an array of (chains, coordinates) points as m.initial() gives them"
            )
        return init
    points = as_points(init)
    return GIVEN_POINTS + hashlib.sha256(np.ascontiguousarray(points).tobytes()).hexdigest()[:12]


def make_starts(density: LogDensity, init: Any, chains: int, seed: int) -> Starts:
    """attempt -> (C, D) starting points, of later attempts others.

    Args:
        density: what will be sampled.
        init: one of :data:`NAMES`, or (C, D) points.
        chains: C.
        seed: the same seed and attempt give the same points.

    Raises:
        HmlmError: points of another shape, or not finite.
    """
    if not isinstance(init, str):
        return partial(_given, checked_points(density, init, chains))
    pilot = partial(starting_points, density, chains, seed)
    if init == PILOT:
        return pilot
    found = _approximated(density, PATHFINDER if init == AUTO else init, chains, seed)
    if init == AUTO:
        return lambda attempt=0: pilot(attempt) if attempt < PATIENCE else found(attempt - PATIENCE)
    return found


def as_points(init: Any) -> np.ndarray:
    """Numbers of any shape.

    Raises:
        HmlmError: it is something else.
    """
    try:
        return np.asarray(init, dtype=float)
    except (TypeError, ValueError) as error:
        raise HmlmError(f"init is no array of numbers: {error}") from error


def checked_points(density: LogDensity, points: Any, chains: int) -> np.ndarray:
    """(C, D) finite points.

    Raises:
        HmlmError: they are something else.
    """
    found = as_points(points)
    if found.shape != (chains, density.size):
        raise HmlmError(
            f"init has the shape {found.shape}, but {chains} chains of {density.size} coordinates start at "
            f"({chains}, {density.size}) points, as m.initial(chains={chains}) gives them"
        )
    if not np.isfinite(found).all():
        raise HmlmError("init holds numbers that are NaN or infinite")
    return found


def _given(points: np.ndarray, attempt: int = 0) -> np.ndarray:
    if attempt:
        raise HmlmError("the density is not finite at the points of init=: give others, or leave init out")
    return points


def _approximated(density: LogDensity, name: str, chains: int, seed: int) -> Starts:
    """Distinct draws of an approximation, or points around a mode; it is found once, when first asked for.

    Many chains share a few of them, as :func:`starting_points`.
    """

    @cache
    def found() -> np.ndarray:
        settings = Settings(algorithm=name, draws=chains * PATIENCE, seed=seed, resample=False)
        return approximate(density, settings).position

    def points(attempt: int = 0) -> np.ndarray:
        if name == MAP:
            return around(density, found()[0], chains, seed, attempt)
        index = superchain_index(chains, n_superchains(chains))
        return found()[(index + attempt * chains) % len(found())]

    return points
