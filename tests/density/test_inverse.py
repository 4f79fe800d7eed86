"""Coordinates of named parameters give the parameters back, whatever the model is made of."""

from __future__ import annotations

import numpy as np
import pytest

from hmlm.density.inverse import population_coordinates
from hmlm.types import HmlmError

from ..helpers import planned
from ..nights import by_night

EVERY_RUN = ("correlated", "scale", "rescor_scale", "cumulative", "smooth")
AT_NIGHT = (
    *("bounds", "between_scale", "series_scale", "r2d2", "horseshoe", "monotonic", "by", "occasions_scale"),
    *("effects_in_turn", "alike", "negbinomial", "members_poisson", "known", "outcomes"),
)


@pytest.mark.parametrize("name", by_night((*EVERY_RUN, *AT_NIGHT), *EVERY_RUN))
def test_parameters_are_found_again(name):
    """From a point near the pilot to its parameters, and from these to where they are the same."""
    density = planned(name, "auto")
    x = density.initial + 0.7 * np.random.default_rng(0).standard_normal(density.size)
    values = np.stack(list(density.constrain(x).values()))
    found = density.initial.copy()
    found[: density.layout.n_population] = population_coordinates(density, values)
    again = np.stack(list(density.constrain(found).values()))
    np.testing.assert_allclose(again, values, rtol=1e-4, atol=1e-5)


def test_parameters_out_of_bounds_are_refused():
    density = planned("correlated", "auto")
    values = np.stack(list(density.constrain(density.initial).values()))
    values[density.names.index("sigma")] = -1.0
    with pytest.raises(HmlmError, match="none of this model"):
        population_coordinates(density, values)
