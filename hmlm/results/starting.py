"""A fit's draws as starting points of another run of its model."""

from __future__ import annotations

import numpy as np

from hmlm.density.inverse import population_coordinates
from hmlm.density.log_density import LogDensity
from hmlm.results.fit import Fit
from hmlm.types import HmlmError


def points_of_fit(density: LogDensity, fit: Fit, chains: int, seed: int) -> np.ndarray:
    """(C, D) coordinates of randomly chosen draws.

    Group effects that are sampled start around the pilot's: their coordinates hardly depend on parameters.

    Raises:
        HmlmError: a fit of another model.
    """
    missing = [name for name in density.names if name not in fit.posterior]
    if missing:
        raise HmlmError(f"init: the fit is of another model, it has no {', '.join(missing[:3])}")
    rng, size = np.random.default_rng(seed), density.layout.n_population
    values = np.stack([fit.posterior[name].values.ravel() for name in density.names], axis=-1)
    points = density.initial + rng.standard_normal((chains, density.size))
    chosen = rng.choice(len(values), chains, replace=chains > len(values))
    points[:, :size] = [population_coordinates(density, values[draw]) for draw in chosen]
    return points
