"""Every family's mathematics against other statements of it: NumPyro's, scipy's, autodiff, simulation."""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy import special, stats

from hmlm.density.family_rows import Mapped, density_with_additions, row_density, row_scores, with_rate
from hmlm.density.laws.incomplete_beta import log_betainc
from hmlm.density.laws.registry import LAWS, law_of
from hmlm.density.laws.rising import digamma_rising, log_rising
from hmlm.density.links import LINKS, eta_of
from hmlm.spec.families import FAMILIES
from hmlm.spec.family import OutcomeKind
from hmlm.spec.support import Support

from ..families import TESTED, TRIALS, truth
from ..scipy_laws import SCIPY

N = 40
HEAVY = ("student", "lognormal", "inverse_gaussian")  # variances of draws do not settle
SIMULATED = 40_000
FAMILY_LINKS = [(name, link) for name, family in FAMILIES.items() for link in family.parameter("mu").links]


@pytest.fixture(autouse=True)
def double():
    with jax.enable_x64(True):
        yield


def some(name: str, seed: int = 3, n: int = N):
    """Family, parameters, addition terms and outcomes of n rows."""
    family = TESTED[name]
    thetas, extra = truth(family, np.random.default_rng(seed).normal(0.2, 0.7, n))
    y = law_of(family).simulate(jax.random.key(seed), thetas, extra, (n,))
    return family, thetas, extra, y


def natural(thetas) -> dict[str, np.ndarray]:
    return {dpar: np.asarray(theta.value) for dpar, theta in thetas.items()}


def test_every_family_has_a_law_and_an_independent_statement():
    assert set(LAWS) == set(FAMILIES)
    assert set(SCIPY) <= set(FAMILIES)


@pytest.mark.parametrize("name", FAMILIES)
def test_density_is_numpyros(name):
    family, thetas, extra, y = some(name)
    wanted = law_of(family).numpyro(thetas, extra).log_prob(y)
    found = law_of(family).log_density(y, thetas, extra)
    np.testing.assert_allclose(found, wanted, rtol=1e-6, atol=2e-6)  # as far as JAX's betaln goes


@pytest.mark.parametrize("name", SCIPY)
def test_density_and_distribution_function_are_scipys(name):
    family, thetas, extra, y = some(name)
    law, scipys = law_of(family), SCIPY[name](natural(thetas), np.asarray(extra["trials"]))
    y = np.asarray(y)
    wanted = scipys.logpmf(y) if law.discrete else scipys.logpdf(y)
    np.testing.assert_allclose(law.log_density(y, thetas, extra), wanted, rtol=1e-8, atol=1e-9)
    if law.log_cdf is None:
        return
    np.testing.assert_allclose(law.log_cdf(y, thetas, extra), scipys.logcdf(y), rtol=1e-6, atol=1e-9)
    below = 1.0 if law.discrete else 0.0
    upper = law.log_sf(y - below, thetas, extra)
    np.testing.assert_allclose(np.exp(upper), scipys.sf(y - below), rtol=1e-6, atol=1e-12)


@pytest.mark.parametrize(("name", "link"), FAMILY_LINKS)
def test_scores_are_the_derivatives_under_every_link(name, link):
    family, thetas, extra, y = some(name)
    mu = thetas["mu"].value
    support = family.parameter("mu").support
    mu = jnp.where(mu > 0.99, 0.9, mu) if support is Support.UNIT else mu
    mu = jnp.abs(mu) + 0.1 if link in ("log", "inverse") and support is Support.REAL else mu
    eta = {p.name: jnp.full(N, 0.4) for p in family.parameters} | {"mu": eta_of(link, mu)}
    own = Mapped(family, (link, *(p.support.link for p in family.parameters[1:])))
    closed = row_scores(own, eta, y, extra)

    def summed(eta):
        return jnp.sum(law_of(family).log_density(y, own.thetas(eta), extra))

    wanted = jax.grad(summed)(eta)
    through_rule = jax.grad(lambda eta: jnp.sum(row_density(own, eta, y, extra)))(eta)
    for dpar in family.dpars:
        np.testing.assert_allclose(closed[dpar], wanted[dpar], rtol=1e-7, atol=1e-9, err_msg=dpar)
        np.testing.assert_allclose(through_rule[dpar], wanted[dpar], rtol=1e-7, atol=1e-9, err_msg=dpar)


@pytest.mark.parametrize("name", FAMILIES)
def test_simulated_outcomes_have_the_mean_the_variance_and_the_information(name):
    family = TESTED[name]
    law = law_of(family)
    thetas, extra = truth(family, np.array([-0.4, 0.3, 0.8]))
    y = law.simulate(jax.random.key(5), thetas, extra, (SIMULATED, 3))
    mean, variance = law.mean(thetas, extra), law.variance(thetas, extra)
    error = np.sqrt(np.asarray(variance) / SIMULATED)
    finite = np.isfinite(error)
    assert np.all(np.abs(y.mean(0) - mean)[finite] < 5 * error[finite])
    if name not in HEAVY:
        np.testing.assert_allclose(y.var(0), jnp.broadcast_to(variance, (3,)), rtol=0.12)
    scores = jax.vmap(lambda one: law.score(one, thetas, extra))(y)
    for dpar in family.dpars:
        score = np.broadcast_to(scores[dpar], y.shape)
        assert np.all(np.abs(score.mean(0)) < 5 * score.std(0) / np.sqrt(SIMULATED)), dpar
    for dpar, closed in law.information.items():
        found = np.broadcast_to(np.square(scores[dpar]), y.shape).mean(0)
        np.testing.assert_allclose(
            found, np.broadcast_to(closed(thetas, extra), (3,)), rtol=0.1, err_msg=dpar
        )


@pytest.mark.parametrize("link", LINKS)
def test_links_invert_and_have_their_derivative(link):
    value = jnp.array([0.2, 0.5, 0.8]) if link != "logm1" else jnp.array([1.2, 2.0, 7.0])
    eta = eta_of(link, value)
    own = LINKS[link]
    np.testing.assert_allclose(own.inverse(eta), value, rtol=1e-10)
    np.testing.assert_allclose(own.derivative(eta), jax.vmap(jax.grad(own.inverse))(eta), rtol=1e-9)
    np.testing.assert_allclose(own.theta(eta).log, jnp.log(value), rtol=1e-9, atol=1e-12)
    if link != "logm1":
        np.testing.assert_allclose(own.theta(eta).log1m, jnp.log1p(-value), rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("link", ["logit", "probit", "cloglog"])
def test_small_probabilities_keep_their_logarithm(link):
    far = LINKS[link].theta(jnp.array([-30.0]))
    assert np.isfinite(far.log).all()
    assert far.log[0] < -25


BOUNDED = [name for name, family in FAMILIES.items() if "trunc" in family.additions]


@pytest.mark.parametrize("name", BOUNDED)
def test_truncated_and_censored_densities_are_those_of_the_rest(name):
    """Truncated densities sum or integrate to one; what is censored has the probability of what is known."""
    family, thetas, extra, _ = some(name, n=1)
    own = Mapped(family, (family.link("mu"), *(p.support.link for p in family.parameters[1:])))
    eta = {p.name: jnp.full(1, 0.4) for p in family.parameters} | {
        "mu": eta_of(family.link("mu"), thetas["mu"].value)
    }
    unit = 0.2 if family.outcome is OutcomeKind.UNIT else 1.0
    law, lower, upper = law_of(family), unit, 4.0 * unit
    y = jnp.arange(1.0, 5.0) if law.discrete else jnp.linspace(lower, upper, 4001)
    bounds = {"trunc_lower": jnp.array(lower), "trunc_upper": jnp.array(upper)}
    inside = jnp.exp(density_with_additions(own, eta, y, extra | bounds))
    total = jnp.sum(inside) if law.discrete else jnp.trapezoid(inside, y)
    np.testing.assert_allclose(total, 1.0, rtol=1e-6)
    at = jnp.array([2.0 * unit])
    for code, wanted in ((1.0, law.log_sf), (-1.0, law.log_cdf)):
        known = density_with_additions(own, eta, at, extra | {"cens": jnp.array([code])})
        np.testing.assert_allclose(known, wanted(at, thetas, extra), rtol=1e-9)
    within = {"cens": jnp.array([2.0]), "cens_upper": at + unit}
    between = jnp.exp(law.log_cdf(at + unit, thetas, extra)) - jnp.exp(law.log_cdf(at, thetas, extra))
    found = density_with_additions(own, eta, at, extra | within)
    np.testing.assert_allclose(jnp.exp(found), between, rtol=1e-7)


@pytest.mark.parametrize("name", BOUNDED)
def test_truncated_and_censored_densities_have_derivatives(name):
    """By every parameter: JAX's incomplete beta function has none by its shapes."""
    family, thetas, extra, y = some(name, n=6)
    own = Mapped(family, (family.link("mu"), *(p.support.link for p in family.parameters[1:])))
    eta = {p.name: jnp.full(6, 0.4) for p in family.parameters} | {
        "mu": eta_of(family.link("mu"), thetas["mu"].value)
    }
    y = jnp.minimum(y, TRIALS - 2.0)
    known = {"cens": jnp.array([1.0, -1.0, 2.0, 0.0, 1.0, -1.0]), "cens_upper": y * 1.1 + 0.01}
    extra = extra | known | {"trunc_lower": jnp.full(6, 0.01)}
    total = jax.jit(lambda eta: jnp.sum(density_with_additions(own, eta, y, extra)))
    found = jax.grad(total)(eta)
    for dpar in family.dpars:
        for row in range(6):
            moved = [total(eta | {dpar: eta[dpar].at[row].add(step)}) for step in (1e-5, -1e-5)]
            np.testing.assert_allclose(found[dpar][row], (moved[0] - moved[1]) / 2e-5, rtol=1e-5, atol=1e-7)


def test_incomplete_beta_keeps_tails_that_underflow():
    a, b, x = jnp.array([300.0, 40.0, 900.0]), jnp.array([2.0, 7.5, 80.0]), jnp.array([1e-3, 1e-12, 0.01])
    leading = a * jnp.log(x) - jnp.log(a) - special.betaln(a, b) + jnp.log1p(x * a * (1.0 - b) / (a + 1.0))
    np.testing.assert_allclose(log_betainc(a, b, x)[:2], leading[:2], rtol=1e-5)
    assert np.isfinite(log_betainc(a, b, x)).all() and log_betainc(a, b, x)[2] < -2000
    wide = stats.beta(3e4, 5e4)
    at = np.array([0.36, 0.37, 0.375, 0.38, 0.39])
    np.testing.assert_allclose(
        log_betainc(3e4, 5e4, jnp.asarray(at)), wide.logcdf(at), rtol=1e-6, atol=1e-300
    )


EXTREME = {
    "beta": ({"mu": -30.0}, 1e-6),
    "beta_binomial": ({"phi": 21.0}, 3.0),
    "zero_inflated_poisson": ({"mu": 40.0, "zi": -40.0}, 0.0),
    "zero_inflated_binomial": ({"mu": -40.0, "zi": 40.0}, 1.0),
    "hurdle_poisson": ({"mu": -30.0, "hu": -40.0}, 1.0),
    "hurdle_gamma": ({"shape": 8.0, "hu": 40.0}, 0.0),
    "skew_normal": ({"alpha": 30.0}, -5.0),
    "weibull": ({"shape": 3.0}, 1e-5),
    "inverse_gaussian": ({"mu": 20.0, "shape": 5.0}, 1e-3),
}


@pytest.mark.parametrize("name", EXTREME)
def test_tails_have_densities_and_derivatives(name):
    changes, y = EXTREME[name]
    family = FAMILIES[name]
    own = Mapped(family, tuple(p.support.link for p in family.parameters))
    eta = {p.name: jnp.array([0.4]) for p in family.parameters}
    eta |= {dpar: jnp.array([value]) for dpar, value in changes.items()}
    extra, y = {"trials": jnp.array([7.0])}, jnp.array([y])
    value = row_density(own, eta, y, extra)
    assert np.isfinite(value).all() and np.isfinite(list(row_scores(own, eta, y, extra).values())).all()
    wanted = jax.grad(lambda eta: jnp.sum(law_of(family).log_density(y, own.thetas(eta), extra)))(eta)
    for dpar, found in row_scores(own, eta, y, extra).items():
        if np.isfinite(wanted[dpar]).all():
            np.testing.assert_allclose(found, wanted[dpar], rtol=1e-5, atol=1e-6, err_msg=dpar)


def test_many_trials_of_almost_one_probability_are_binomial():
    family, thetas, extra, y = some("beta_binomial")
    thetas = thetas | {"phi": LINKS["log"].theta(jnp.full(N, 25.0))}
    wanted = stats.binom(np.asarray(extra["trials"]), np.asarray(thetas["mu"].value)).logpmf(np.asarray(y))
    np.testing.assert_allclose(law_of(family).log_density(y, thetas, extra), wanted, rtol=1e-8, atol=1e-8)


def test_differences_of_gamma_functions_keep_their_digits():
    a, n = np.array([0.3, 10.0, 999.0, 1001.0, 1e7, 1e12]), 7
    factors = a[:, None] + np.arange(n)
    np.testing.assert_allclose(log_rising(jnp.asarray(a), 7.0), np.log(factors).sum(1), rtol=1e-12)
    np.testing.assert_allclose(digamma_rising(jnp.asarray(a), 7.0), (1 / factors).sum(1), rtol=1e-10)


def test_geometric_counts_of_several_units_are_their_sum():
    own, rate = Mapped(FAMILIES["geometric"], ("log",)), jnp.array([1.0, 3.0, 4.0])
    eta, y, extra = {"mu": jnp.full(3, 0.3)}, jnp.array([0.0, 2.0, 9.0]), {"rate": rate}
    found = row_density(own, with_rate(own, eta, extra), y, extra)
    wanted = stats.nbinom(np.asarray(rate), 1 / (1 + np.exp(0.3))).logpmf(np.asarray(y))
    np.testing.assert_allclose(found, wanted, rtol=1e-9)
