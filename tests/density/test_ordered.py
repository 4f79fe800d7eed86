"""Priors of thresholds: increasing vectors, drawn and with their density; prior predictive levels."""

from __future__ import annotations

import jax
import numpy as np
import pandas as pd
import pytest
from numpyro.infer import Predictive
from scipy import stats

import hmlm as hm
from hmlm.density.ordered import Ordered
from hmlm.density.parameters import ordered
from hmlm.spec.distribution import parse_distribution
from hmlm.spec.spec import Constant
from hmlm.spec.support import Support

EQUAL = ("normal(0, 2)",) * 3
OWN = ("normal(-1, 1)", "student_t(3, 0, 1)", "normal(1, 2)")


@pytest.mark.parametrize("texts", [EQUAL, OWN])
def test_draws_increase_and_have_the_density(texts):
    prior = Ordered([parse_distribution(text) for text in texts])
    draws = np.asarray(prior.sample(jax.random.key(1), (400,)))
    assert draws.shape == (400, 3) and np.all(np.diff(draws) > 0)
    own = [stats.norm(-1, 1), stats.t(3, 0, 1), stats.norm(1, 2)]
    bases = own if texts is OWN else [stats.norm(0, 2)] * 3
    wanted = sum(base.logpdf(draws[:, k]) for k, base in enumerate(bases))
    np.testing.assert_allclose(prior.log_prob(draws), wanted, rtol=1e-4)


def test_equal_priors_give_order_statistics():
    draws = np.asarray(Ordered([parse_distribution("normal(0, 1)")] * 2).sample(jax.random.key(2), (4000,)))
    assert abs(draws[:, 1].mean() - np.pi**-0.5) < 5 * draws[:, 1].std() / 4000**0.5


def test_the_map_from_the_real_line_has_its_jacobian():
    priors = [parse_distribution(text) for text in OWN]
    thresholds = [Constant(0, f"t{k}", prior, Support.ORDERED) for k, prior in enumerate(priors)]
    x = np.array([-0.7, 0.3, -1.2])
    with jax.enable_x64(True):
        values, log_prior = ordered(thresholds, jax.numpy.asarray(x))
        jacobian = jax.jacobian(lambda x: ordered(thresholds, x)[0])(jax.numpy.asarray(x))
        prior = Ordered([own.prior for own in thresholds]).log_prob(values)
    np.testing.assert_allclose(log_prior, float(prior) + np.linalg.slogdet(jacobian)[1], rtol=1e-10)
    np.testing.assert_allclose(values, np.cumsum([x[0], *np.exp(x[1:])]), rtol=1e-12)


@pytest.mark.parametrize("family", ["cumulative", "cumulative(probit)", "categorical"])
def test_the_program_simulates_codes(family):
    data = pd.DataFrame({"y": np.arange(12) % 4, "x": np.arange(12) / 12.0})
    dpars = ("mu1", "mu2", "mu3") if family == "categorical" else ("",)
    priors = [hm.prior("normal(0, 1)", dpar=dpar) for dpar in dpars]
    stated = hm.model("y ~ x", data, family=family, prior=priors)
    arguments = {name: value for name, value in stated.model_kwargs.items() if name != "y"}
    found = Predictive(stated.numpyro_model, num_samples=50)(jax.random.key(0), **arguments)["y"]
    assert found.shape == (50, 12) and set(np.unique(found)) == {0.0, 1.0, 2.0, 3.0}
