"""``init=``: every kind gives points of finite density, those of a fit its parameters."""

from __future__ import annotations

import numpy as np
import pytest

import hmlm as hm
from hmlm.infer import starts
from hmlm.infer.initial import starting_points
from hmlm.infer.starts import NAMES, PATIENCE, init_name, make_starts
from hmlm.types import HmlmError

from .small_model import small_model, table


@pytest.fixture(scope="module")
def model():
    return small_model()


@pytest.mark.parametrize("init", NAMES)
def test_points_are_distinct_finite_and_repeatable(model, init):
    points = model.initial(3, seed=1, init=init)
    assert points.shape == (3, model.log_density.size)
    assert len(np.unique(points[:, 0])) == 3
    assert all(np.isfinite(model.log_density(x)) for x in points)
    np.testing.assert_array_equal(points, model.initial(3, seed=1, init=init))
    assert not np.array_equal(points, model.initial(3, seed=2, init=init))


def test_auto_is_the_pilot_until_it_fails_repeatedly(model):
    density = model.log_density
    auto = make_starts(density, "auto", 2, 1)
    for attempt in (0, PATIENCE - 1):
        np.testing.assert_array_equal(auto(attempt), starting_points(density, 2, 1, attempt))
    np.testing.assert_array_equal(auto(PATIENCE), make_starts(density, "pathfinder", 2, 1)(0))
    assert not np.array_equal(auto(PATIENCE), auto(PATIENCE + 1))


def test_an_approximation_is_made_once_and_only_when_asked_for(model, monkeypatch):
    calls = []
    approximate = starts.approximate
    monkeypatch.setattr(starts, "approximate", lambda *args: calls.append(args) or approximate(*args))
    found = make_starts(model.log_density, "pathfinder", 2, 1)
    assert not calls
    found(0), found(1)
    assert len(calls) == 1


def test_chains_start_at_a_fits_draws(model):
    fit = model.fit(algorithm="laplace", draws=50, seed=4)
    density = model.log_density
    found = density.constrain(model.initial(5, seed=1, init=fit))
    drawn = np.stack([fit.posterior[name].values[0] for name in density.names], axis=-1)
    for point in np.stack(list(found.values()), axis=-1):
        assert np.abs(drawn - point).max(1).min() < 1e-6


def test_a_fit_of_another_model_is_refused(model):
    other = hm.model("y ~ 1 + (1 | g)", table()).fit(algorithm="laplace", draws=50)
    with pytest.raises(HmlmError, match="of another model, it has no b_x"):
        model.initial(2, init=other)


def test_given_points_are_where_chains_start(model):
    points = model.initial(2, seed=7)
    np.testing.assert_array_equal(model.initial(2, init=points), points)
    assert init_name(points) == init_name(points.copy()) != init_name(points + 1e-9)


def test_given_points_without_a_density_are_an_error(model):
    with pytest.raises(HmlmError, match="not finite at the points of init="):
        model.fit(chains=1, warmup=10, draws=10, init=np.full((1, 4), 1e200))
