"""Steps of monotonic effects: the map from coordinates, its Jacobian, and the way back."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from numpy.testing import assert_allclose
from scipy.stats import dirichlet

from hmlm.density.monotonic import from_named, n_named, named_of, steps_of, unconstrained_start
from hmlm.spec.distribution import FLAT
from hmlm.spec.spec import Monotonic, Predictor

EFFECTS = (Monotonic("mox", FLAT, (2.0, 1.0, 3.0)), Monotonic("moz", FLAT, (1.5,)))
PREDICTOR = Predictor(0, "mu", None, ("w",), (FLAT,), False, "", EFFECTS)


@pytest.fixture(autouse=True)
def double():
    with jax.enable_x64(True):
        yield


def coordinates(seed):
    return jnp.asarray(np.random.default_rng(seed).normal(size=5))


def test_steps_are_shares_of_the_whole_effect():
    x = coordinates(0)
    steps, _ = steps_of(PREDICTOR, x)
    assert_allclose(steps[0], x[0])
    assert_allclose(jnp.sum(steps[1:4]), 3 * x[1])
    assert (np.sign(steps[1:4]) == np.sign(x[1])).all()
    assert_allclose(steps[4], x[4])


def test_log_density_is_the_dirichlet_prior_and_the_jacobian():
    def zeta(ratios):
        steps, _ = steps_of(PREDICTOR, jnp.concatenate([jnp.array([0.0, 1.0]), ratios, jnp.zeros(1)]))
        return steps[1:4] / 3

    gaps = []
    for seed in range(3):
        x = coordinates(seed)
        shares = np.asarray(zeta(x[2:4]))
        wanted = dirichlet.logpdf(shares / shares.sum(), EFFECTS[0].simplex)
        wanted += np.linalg.slogdet(jax.jacfwd(zeta)(x[2:4])[:2])[1]
        gaps.append(float(steps_of(PREDICTOR, x)[1]) - wanted)
    assert_allclose(gaps, gaps[0], atol=1e-12)


def test_there_and_back():
    steps, _ = steps_of(PREDICTOR, coordinates(1))
    named = named_of(PREDICTOR, steps)
    assert len(named) == n_named(PREDICTOR) == 1 + 4 + 2
    assert_allclose(jnp.sum(named[2:5]), 1.0)
    assert_allclose(from_named(PREDICTOR, named), steps, atol=1e-12)


def test_no_effect_has_shares():
    named = named_of(PREDICTOR, jnp.zeros(5))
    assert_allclose(named, [0, 0, 1 / 3, 1 / 3, 1 / 3, 0, 1])


def test_start_has_even_steps():
    beta, error = unconstrained_start(PREDICTOR, np.array([1.0, 3.0, -1.0, 4.0, 5.0]), np.full(5, 0.3))
    assert_allclose(steps_of(PREDICTOR, jnp.asarray(beta))[0], [1, 2, 2, 2, 5])
    assert_allclose(error, [0.3, 0.3 / np.sqrt(3), 1, 1, 0.3])
