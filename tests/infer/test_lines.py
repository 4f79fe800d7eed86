"""Correlations as coordinates of the likelihood surface, whichever rows they are between."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

import hmlm as hm
from hmlm.density.pilot import fit_pilot
from hmlm.density.surface import Surface, make_surface
from hmlm.infer.estimate import Estimates
from hmlm.infer.lines import line_of
from hmlm.infer.profile import Coefficient


@pytest.fixture(scope="module")
def surface() -> Surface:
    rng = np.random.default_rng(4)
    g = np.repeat(np.arange(15), 6)
    d = pd.DataFrame({"g": g, "x": rng.normal(size=90), "w": rng.normal(size=90)})
    d["y"] = rng.normal(size=15)[g] + rng.normal(size=15)[g] * d["x"] + rng.normal(size=90)
    model = hm.model("y ~ x + (1 + x + w | g)", d)
    return make_surface(model.spec, model.design, fit_pilot(model.spec, model.design), restricted=False)


def at_start(surface: Surface):
    """The start with some correlations, and estimates there as if it were the maximum."""
    theta = surface.start.copy()
    theta[-3:] = 0.4, -0.3, 0.6  # the angles
    point = surface.at(theta)
    values = surface.reported(point.theta, point.delta)
    names = surface.likelihood.names
    fixed = np.array([name.startswith("b_") for name in names])
    return point, Estimates(names, values, np.eye(len(names)), fixed, ())


@pytest.mark.parametrize("pair", ["Intercept__x", "Intercept__w", "x__w"])
def test_each_correlation_is_the_sine_of_a_coordinate(surface, pair):
    point, estimates = at_start(surface)
    name = f"cor_g__{pair}"
    line = line_of(surface, point, estimates, name)
    assert line.top.value == pytest.approx(point.value, abs=1e-6)
    cor = estimates.values[estimates.names.index(name)]
    assert np.sin(line.value) == pytest.approx(cor, abs=1e-8)
    moved = line.surface.reported(line.top.theta + 0.1 * line.of.direction, line.top.delta)
    same = line.surface.reported(line.top.theta, line.top.delta)
    assert moved[estimates.names.index(name)] == pytest.approx(np.sin(line.value + 0.1), abs=1e-8)
    sds = [n.startswith("sd_") for n in estimates.names]
    np.testing.assert_allclose(moved[sds], same[sds], rtol=1e-9)


@pytest.mark.parametrize("name", ["b_Intercept", "b_x", "sigma", "sd_g__w"])
def test_the_others_have_their_error_in_units_of_the_coordinate(surface, name):
    point, estimates = at_start(surface)
    line = line_of(surface, point, estimates, name)
    index = estimates.names.index(name)
    if isinstance(line.of, Coefficient):
        step = 0.1 * line.of.direction / (line.of.direction @ line.of.direction)
        moved = line.surface.reported(point.theta, point.delta + step)[index]
        assert moved - estimates.values[index] == pytest.approx(0.1)
        assert line.error == 1.0
        return
    ahead = line.surface.reported(point.theta + 1e-4 * line.of.direction, point.delta)[index]
    slope = (ahead - estimates.values[index]) / 1e-4
    assert line.error * slope == pytest.approx(1.0, rel=1e-3)
