"""Truncated outcomes: expected values, and new ones that lie within their bounds."""

import jax
import jax.numpy as jnp
import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose
from scipy import stats

import hmlm as hm
from hmlm.density.family_rows import Mapped
from hmlm.density.laws.registry import LAWS
from hmlm.results.prediction.truncated import quantile, truncated
from hmlm.results.prediction.truncated_mean import MEANS, truncated_mean
from hmlm.spec.families import FAMILIES

from ..fake_sampling import fake_sampling
from ..nights import by_night

LOG = np.log
# Coordinates xi of parameters, and two bounds.
CASES = {
    "gaussian": ({"mu": 0.5, "sigma": LOG(2.0)}, (-1.0, 3.0)),
    "student": ({"mu": 0.5, "sigma": LOG(2.0), "nu": LOG(4.0)}, (-1.0, 3.0)),
    "lognormal": ({"mu": 0.3, "sigma": LOG(0.8)}, (0.5, 4.0)),
    "gamma": ({"mu": LOG(2.0), "shape": LOG(1.7)}, (0.5, 4.0)),
    "exponential": ({"mu": LOG(2.0)}, (0.5, 4.0)),
    "weibull": ({"mu": LOG(2.0), "shape": LOG(1.5)}, (0.5, 4.0)),
    "poisson": ({"mu": LOG(4.0)}, (2.0, 9.0)),
    "negbinomial": ({"mu": LOG(4.0), "shape": LOG(2.0)}, (2.0, 9.0)),
    "geometric": ({"mu": LOG(4.0)}, (1.0, 9.0)),
    "binomial": ({"mu": -0.4}, (2.0, 9.0)),
}
NEW = [("gaussian", -1.0), ("gaussian", 8.0), pytest.param("poisson", 2.0, marks=pytest.mark.nightly)]
CHOICES = ("both", "trunc_lower", "trunc_upper")


@pytest.fixture(autouse=True)
def double():
    with jax.enable_x64(True):
        yield


def stated(name, which):
    """Family and links, linear predictors and addition terms of one row."""
    family, (xi, bounds) = FAMILIES[name], CASES[name]
    own = Mapped(family, tuple(family.parameter(dpar).support.link for dpar in family.dpars))
    extra = {"trials": jnp.full((1, 1), 12.0)} if name == "binomial" else {}
    ends = dict(zip(CHOICES[1:], bounds, strict=True))
    extra |= {key: jnp.full((1, 1), end) for key, end in ends.items() if which in ("both", key)}
    return own, {dpar: jnp.full((1, 1), value) for dpar, value in xi.items()}, extra


def table_of(name, own, eta, extra):
    """Values within the bounds and their probabilities, on a fine grid where the family is continuous."""
    low, high = (float(extra[key][0, 0]) if key in extra else None for key in CHOICES[1:])
    if LAWS[name].discrete:
        y = np.arange(low or 0, (12 if name == "binomial" else 400) + 1 if high is None else high + 1)
    else:
        least = -60.0 if name in ("gaussian", "student") else 1e-12
        y = np.linspace(least if low is None else low, 150.0 if high is None else high, 2_000_001)
    log_density = np.asarray(LAWS[name].log_density(jnp.asarray(y)[None], own.thetas(eta), extra))[0]
    weight = np.exp(log_density)
    if not LAWS[name].discrete:
        weight[[0, -1]] /= 2
    return y, weight / weight.sum()


@pytest.mark.parametrize("which", CHOICES)
@pytest.mark.parametrize("name", by_night(MEANS, "gaussian", "gamma", "poisson"))
def test_means_are_those_of_the_density_within_the_bounds(name, which):
    own, eta, extra = stated(name, which)
    y, probability = table_of(name, own, eta, extra)
    assert_allclose(truncated_mean(own, eta, extra), [[y @ probability]], rtol=1e-5)


@pytest.mark.parametrize("which", CHOICES)
@pytest.mark.parametrize("name", by_night(CASES, "gaussian", "lognormal", "poisson"))
def test_quantiles_have_their_share_of_the_probability_below(name, which):
    own, eta, extra = stated(name, which)
    share = jnp.array([[1e-3, 0.03, 0.4, 0.77, 0.999]])
    found = np.asarray(quantile(LAWS[name], share, own.thetas(eta), extra))[0]
    y, probability = table_of(name, own, eta, extra)
    cdf = np.cumsum(probability)
    if LAWS[name].discrete:
        np.testing.assert_array_equal(found, y[np.searchsorted(cdf, np.asarray(share)[0])])
    else:
        assert_allclose(np.interp(found, y, cdf - probability / 2), np.asarray(share)[0], atol=1e-5)


def test_quantiles_far_in_a_tail():
    own, eta, extra = stated("gaussian", "trunc_lower")
    share = jnp.array([[0.1, 0.5, 0.99]])
    for sign, key in ((1.0, "trunc_lower"), (-1.0, "trunc_upper")):
        bound = {key: jnp.full((1, 1), 0.5 + sign * 24.0)}
        found = np.asarray(quantile(LAWS["gaussian"], share, own.thetas(eta), bound))[0]
        ends = (12, np.inf) if sign > 0 else (-np.inf, -12)
        assert_allclose(found, stats.truncnorm(*ends, loc=0.5, scale=2.0).ppf(share[0]), rtol=1e-6)


@pytest.mark.parametrize(("name", "lower"), NEW)
def test_new_outcomes_follow_the_density_within_the_bounds(name, lower):
    own, eta, extra = stated(name, "trunc_lower")
    extra = {**extra, "trunc_lower": jnp.full((1, 1), lower)}
    eta = {dpar: jnp.broadcast_to(value, (2, 3000)) for dpar, value in eta.items()}
    extra = {key: jnp.broadcast_to(value, (2, 1)) for key, value in extra.items()}
    drawn = np.asarray(truncated(own, jax.random.key(1), 0, eta, extra))
    np.testing.assert_array_equal(truncated(own, jax.random.key(1), 1, *_second(eta, extra))[0], drawn[1])
    own, eta, _ = stated(name, "trunc_lower")
    y, probability = table_of(name, own, eta, {"trunc_lower": extra["trunc_lower"][:1]})
    if LAWS[name].discrete:
        counts = np.array([(drawn == value).sum() for value in y[:10]])
        found, wanted = (
            np.append(part, whole - part.sum())
            for part, whole in ((counts, drawn.size), (probability[:10], 1))
        )
        assert stats.chisquare(found, drawn.size * wanted).pvalue > 1e-3
    else:
        assert stats.kstest(drawn.ravel(), lambda x: np.interp(x, y, np.cumsum(probability))).pvalue > 1e-3
    assert drawn.min() >= lower


def _second(eta, extra):
    return {dpar: value[1:] for dpar, value in eta.items()}, {key: value[1:] for key, value in extra.items()}


@pytest.fixture(scope="module")
def fit():
    rng = np.random.default_rng(0)
    data = pd.DataFrame({"x": rng.normal(size=60), "g": np.arange(60) % 6, "most": 6.0 + np.arange(60) % 3})
    data["y"] = np.clip(rng.poisson(np.exp(1.0 + 0.3 * data["x"])), 1, data["most"])
    with pytest.MonkeyPatch.context() as patch, fake_sampling(patch):
        return hm.fit(
            "y | trunc(lb = 1, ub = most) ~ x + (1 | g)",
            data,
            family="poisson",
            chains=2,
            draws=300,
            progress=False,
        )


def test_of_a_fit(fit):
    drawn, mean = fit.predict().values, fit.epred().values
    assert drawn.min() == 1 and (drawn.max((0, 1)) <= fit.design.table["most"]).all()
    assert_allclose(drawn.mean(), mean.mean(), rtol=0.02)
    assert (mean.mean((0, 1)) > fit.epred(dpar="mu").values.mean((0, 1)) * 0.5).all()


def test_of_a_fit_for_new_rows(fit):
    new = pd.DataFrame({"x": 1.0, "g": [0, 0], "most": [2.0, 50.0]})
    mean, drawn = fit.epred(new).values, fit.predict(new).values
    assert (mean[..., 0] < 2).all() and (mean[..., 1] > mean[..., 0]).all()
    assert drawn[..., 0].max() <= 2 < drawn[..., 1].max()


def test_means_without_a_closed_form():
    table = pd.DataFrame({"x": np.arange(20.0), "y": np.sin(np.arange(20.0))})
    with pytest.MonkeyPatch.context() as patch, fake_sampling(patch):
        fit = hm.fit("y | trunc(lb = -2) ~ x", table, family="student", chains=1, draws=20, progress=False)
    assert fit.predict().values.min() >= -2
    with pytest.raises(hm.HmlmError, match=r"epred of truncated student outcomes.*predict, linpred"):
        fit.epred()
