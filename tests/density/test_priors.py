"""Priors mean what SciPy says, and their unconstrained log densities what NumPyro says."""

from dataclasses import replace

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy import stats

from hmlm.density.priors import constrain, real_line_map, to_numpyro
from hmlm.spec.distribution import interval_of
from hmlm.spec.support import Support
from hmlm.types import Distribution

PRIORS = {
    Distribution("normal", (0.3, 2.0)): stats.norm(0.3, 2.0),
    Distribution("student_t", (4.0, -0.5, 1.5)): stats.t(4.0, -0.5, 1.5),
    Distribution("cauchy", (0.2, 0.7)): stats.cauchy(0.2, 0.7),
    Distribution("exponential", (2.0,)): stats.expon(scale=0.5),
    Distribution("gamma", (2.5, 1.5)): stats.gamma(2.5, scale=1 / 1.5),
    Distribution("lognormal", (-0.4, 0.6)): stats.lognorm(0.6, scale=np.exp(-0.4)),
    Distribution("uniform", (-1.0, 4.0)): stats.uniform(-1.0, 5.0),
    Distribution("logistic", (0.4, 0.8)): stats.logistic(0.4, 0.8),
    Distribution("inv_gamma", (3.0, 2.0)): stats.invgamma(3.0, scale=2.0),
    Distribution("beta", (2.0, 3.0)): stats.beta(2.0, 3.0),
}
BOTH = [(prior, positive) for prior in PRIORS for positive in (False, True)]
FLAT = Distribution("flat")
SUPPORT = {False: Support.REAL, True: Support.POSITIVE}
VALUES = np.array([0.1, 0.5, 1.3, 3.5])
BOUNDS = ((None, None), (0.25, None), (None, 0.75), (0.25, 0.75))
N_DRAWS = 4000


@pytest.mark.parametrize(("prior", "positive"), BOTH, ids=str)
def test_numpyros_statement_is_scipys_truncated_at_zero(prior, positive):
    truth, values = PRIORS[prior], VALUES[PRIORS[prior].pdf(VALUES) > 0]
    wanted = truth.logpdf(values) - (np.log(truth.sf(0.0)) if positive else 0.0)
    with jax.enable_x64(True):
        got = to_numpyro(prior, SUPPORT[positive]).log_prob(jnp.asarray(values))
    np.testing.assert_allclose(got, wanted, rtol=1e-9)


CASES = [
    (prior, positive, scale)
    for prior, positive in [*BOTH, (FLAT, False), (FLAT, True)]
    for scale in (None, 0.3)
    if positive or scale is None
]


@pytest.mark.parametrize(("prior", "positive", "scale"), CASES, ids=str)
def test_log_density_includes_the_jacobian(prior, positive, scale):
    with jax.enable_x64(True):
        transform = real_line_map(prior, support=SUPPORT[positive], scale=scale)
        values = VALUES if prior == FLAT else VALUES[PRIORS[prior].pdf(VALUES) > 0]
        x = transform.inv(jnp.asarray(values))
        value, _ = constrain(prior, transform, x)
        np.testing.assert_allclose(value, values, rtol=1e-10)
        slope = jax.vmap(jax.grad(lambda x: constrain(prior, transform, x[None])[0][0]))(x)
        _, got = constrain(prior, transform, x)
    density = 0.0 if prior == FLAT else PRIORS[prior].logpdf(values)
    gap = np.array(got) - (density + np.log(np.asarray(slope)))
    np.testing.assert_allclose(gap, gap[0], rtol=0, atol=1e-9)


def often(prior: Distribution) -> tuple:
    """Every run draws from two of them, the night from all."""
    return () if prior.name in ("normal", "gamma") else (pytest.mark.nightly,)


@pytest.mark.parametrize("support", [Support.REAL, Support.POSITIVE, Support.UNIT], ids=lambda s: s.name)
@pytest.mark.parametrize("prior", [pytest.param(p, marks=often(p)) for p in PRIORS], ids=str)
def test_draws_are_scipys_between_all_bounds(prior, support):
    for lb, ub in BOUNDS:
        bounded = replace(prior, lb=lb, ub=ub)
        assert stats.kstest(drawn(bounded, support), truncated_cdf(bounded, support)).pvalue > 1e-4, (lb, ub)


def drawn(prior, support) -> np.ndarray:
    with jax.enable_x64(True):
        return np.asarray(to_numpyro(prior, support).sample(jax.random.key(3), (N_DRAWS,)))


def truncated_cdf(prior, support):
    truth, (low, high) = PRIORS[replace(prior, lb=None, ub=None)], interval_of(prior, support)
    below, above = truth.cdf(low), truth.cdf(high)
    return lambda x: np.where(x < low, 0.0, np.clip((truth.cdf(x) - below) / (above - below), 0, 1))


def test_draws_above_one_are_scipys():
    truth, prior = stats.gamma(2, scale=10), Distribution("gamma", (2.0, 0.1))
    values = drawn(prior, Support.ABOVE_ONE)
    assert values.min() > 1
    assert stats.kstest(values, lambda x: 1 - truth.sf(x) / truth.sf(1)).pvalue > 1e-4


@pytest.mark.parametrize(("lb", "ub"), [(9.0, None), (None, -9.0), (9.0, 9.5)])
def test_bounds_far_out_in_the_tail_are_no_trouble(lb, ub):
    prior = Distribution("normal", (0.0, 1.0), lb, ub)
    low, high = interval_of(prior, Support.REAL)
    truth = stats.truncnorm(low, high)
    assert stats.kstest(drawn(prior, Support.REAL), truth.cdf).pvalue > 1e-4
    with jax.enable_x64(True):
        value = jnp.asarray(9.2 if lb else -9.2)
        got = to_numpyro(prior, Support.REAL).log_prob(value)
    assert float(got) == pytest.approx(truth.logpdf(float(value)), rel=1e-6)


@pytest.mark.parametrize(("lb", "ub"), BOUNDS[1:], ids=str)
@pytest.mark.parametrize("name", ["normal", "flat"])
def test_bounds_are_reached_from_the_real_line(name, lb, ub):
    prior = Distribution(name, () if name == "flat" else (0.3, 2.0), lb, ub)
    low, high = interval_of(prior, Support.REAL)
    values = np.array([0.3, 0.5, 0.7])
    with jax.enable_x64(True):
        transform = real_line_map(prior, support=Support.REAL)
        far = np.asarray(constrain(prior, transform, jnp.array([-8.0, 8.0]))[0])
        x = transform.inv(jnp.asarray(values))
        _, got = constrain(prior, transform, x)
        slope = np.asarray(jax.vmap(jax.grad(lambda one: transform(one)))(x))
    assert low < far.min() and far.max() < high
    density = 0.0 if name == "flat" else stats.norm(0.3, 2.0).logpdf(values)
    gap = np.asarray(got) - density - np.log(np.abs(slope))
    np.testing.assert_allclose(gap, gap[0], atol=1e-9)
