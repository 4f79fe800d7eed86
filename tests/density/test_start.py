"""Where sampling starts if the data speak against the bounds of the priors."""

import numpy as np
import pytest

import hmlm as hm

from ..helpers import even

BOUNDS = {
    "above": {"lb": 30.0},
    "below": {"ub": -30.0},
    "between": {"lb": 30.0, "ub": 31.0},
}


@pytest.mark.parametrize("side", BOUNDS)
def test_coefficients_start_inside_their_bounds(side):
    bounds = BOUNDS[side]
    model = hm.model("y ~ x + (1 | g)", even(0), prior=hm.prior("normal(0, 50)", coef="x", **bounds))
    starts = np.vstack([model.log_density.initial, model.initial(chains=4)])
    slopes = model.log_density.constrain(starts)["b_x"]
    assert (slopes > bounds.get("lb", -np.inf)).all() and (slopes < bounds.get("ub", np.inf)).all()
    for start in starts:
        value, gradient = model.log_density.value_and_grad(start)
        assert np.isfinite(value) and np.isfinite(gradient).all()
