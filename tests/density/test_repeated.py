"""``cosy()`` and ``unstr()``: one dense normal, by rows and by statistics; a varying intercept's marginal."""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np
import pandas as pd
import pytest
from scipy.stats import multivariate_normal, norm

import hmlm as hm
from hmlm.density.draws import named_draws
from hmlm.density.pointwise import row_log_likelihood
from hmlm.density.repeated_normal import RepeatedNormal
from hmlm.density.row_blocks import row_blocks
from hmlm.types import HmlmError

from .test_pointwise import by_group, first_draw, mean_and_sigma

RHO, SIGMA, TAU = 0.4, 0.8, 0.7
N_TIMES = 3
VALUES = {"b_Intercept": 1.5, "b_x": -0.4}
ROOT = np.random.default_rng(8).normal(size=(N_TIMES, 5))
COVARIANCE = ROOT @ ROOT.T
CORRELATIONS = COVARIANCE / np.sqrt(np.outer(np.diag(COVARIANCE), np.diag(COVARIANCE)))
CORTIME = {f"cortime__{i}__{j}": CORRELATIONS[i, j] for j in range(N_TIMES) for i in range(j)}


def table(n_series: int = 40) -> pd.DataFrame:
    """Rows in shuffled order: series ``s`` in 3 groups, at times 0 to 2 of which every fourth lacks one."""
    rng = np.random.default_rng(3)
    s, t = np.divmod(np.arange(N_TIMES * n_series), N_TIMES)
    frame = pd.DataFrame({"s": s, "t": t, "g": s % 3, "x": rng.normal(size=len(s))})
    frame["h"] = rng.integers(0, 3, len(s))
    frame["y"] = 1 + frame.x + rng.normal(size=len(s))
    lacking = (frame.s % 4 == 0) & (frame.t == frame.s % 3)
    return frame[~lacking].sample(frac=1.0, random_state=1).reset_index(drop=True)


DATA, FEW, FEWEST = table(), table(9), table(4)


def correlations(data: pd.DataFrame, term: str) -> np.ndarray:
    same = data.s.to_numpy()[:, None] == data.s.to_numpy()
    if term.startswith("cosy"):
        return np.where(same, RHO, 0.0) + (1 - RHO) * np.eye(len(data))
    return np.where(same, CORRELATIONS[np.ix_(data.t, data.t)], 0.0)


def between(data: pd.DataFrame) -> np.ndarray:
    return TAU**2 * (data.g.to_numpy()[:, None] == data.g.to_numpy())


def mean(data: pd.DataFrame) -> np.ndarray:
    return VALUES["b_Intercept"] + VALUES["b_x"] * data.x.to_numpy()


TERMS = {"cosy(gr = s)": {"cosy": RHO}, "unstr(t, s)": CORTIME}


@pytest.mark.parametrize("term", TERMS)
@pytest.mark.parametrize("by_statistics", [True, False])
@pytest.mark.parametrize("groups", [True, False])
def test_the_likelihood_is_one_dense_normal(term, by_statistics, groups):
    data = DATA if by_statistics else FEWEST
    stated = hm.model(f"y ~ x + {term}{' + (1 | g)' if groups else ''}", data)
    few = not by_statistics or (groups and "unstr" in term)
    assert (stated.log_density.data.statistics is None) == few
    covariance = SIGMA**2 * correlations(data, term) + groups * between(data)
    values = {**VALUES, **TERMS[term], "sigma": SIGMA, **({"sd_g__Intercept": TAU} if groups else {})}
    wanted = multivariate_normal(mean(data), covariance).logpdf(data.y)
    assert stated.marginal_log_lik(values) == pytest.approx(wanted, abs=1e-9)


@pytest.mark.parametrize("term", TERMS)
def test_rows_with_their_own_sigma_give_the_dense_normal(term):
    stated = hm.model(hm.bf(f"y ~ x + (1 | g) + {term}", sigma="~ 0 + factor(t)"), FEW)
    sigma = np.exp(np.array([-0.5, 0.3, 0.1]))[FEW.t]
    logs = {"b_sigma_factort0": -0.5, "b_sigma_factort1": 0.3, "b_sigma_factort2": 0.1}
    covariance = sigma[:, None] * correlations(FEW, term) * sigma + between(FEW)
    wanted = multivariate_normal(mean(FEW), covariance).logpdf(FEW.y)
    values = {**VALUES, **TERMS[term], **logs, "sd_g__Intercept": TAU}
    assert stated.marginal_log_lik(values) == pytest.approx(wanted, abs=1e-9)


@pytest.mark.parametrize("sigma", ["~ 0 + factor(t)", "~ t"])
def test_statistics_hold_a_sigma_for_each_occasion(sigma):
    stated = hm.model(hm.bf("y ~ x + unstr(t, s)", sigma=sigma), DATA)
    assert stated.log_density.data.statistics is not None
    logs = np.array([-0.5, -0.2, 0.1])
    values = {"b_sigma_Intercept": -0.5, "b_sigma_t": 0.3}
    if "factor" in sigma:
        values = {f"b_sigma_factort{t}": value for t, value in enumerate(logs)}
    scale = np.exp(logs)[DATA.t]
    covariance = scale[:, None] * correlations(DATA, "unstr") * scale
    wanted = multivariate_normal(mean(DATA), covariance).logpdf(DATA.y)
    assert stated.marginal_log_lik({**VALUES, **CORTIME, **values}) == pytest.approx(wanted, abs=1e-9)


@pytest.mark.parametrize("rho", [0.0, 0.3, 0.95])
def test_compound_symmetry_is_a_varying_intercept(rho):
    """Its variance is rho sigma², and that of what is left (1 - rho) sigma²."""
    alike, varying = hm.model("y ~ x + cosy(gr = s)", DATA), hm.model("y ~ x + (1 | s)", DATA)
    sds = {"sd_s__Intercept": np.sqrt(rho) * SIGMA, "sigma": np.sqrt(1 - rho) * SIGMA}
    wanted = varying.marginal_log_lik({**VALUES, **sds})
    found = alike.marginal_log_lik({**VALUES, "sigma": SIGMA, "cosy": rho})
    assert found == pytest.approx(wanted, rel=1e-10)


@pytest.mark.parametrize("term", TERMS)
def test_the_gradient_of_statistics_is_their_slope(term):
    fast = hm.model(f"y ~ x + {term}", DATA).log_density
    direction = np.random.default_rng(0).normal(size=fast.size)
    _, gradient = fast.value_and_grad(fast.initial)
    steps = np.array([float(fast(fast.initial + h * direction)) for h in (-1e-4, 1e-4)])
    assert float(gradient @ direction) == pytest.approx((steps[1] - steps[0]) / 2e-4, rel=1e-5)


FORMULAS = {
    "cosy(t, s)": hm.bf("y ~ x + (1 | h) + cosy(t, s)", sigma="~ x + (1 | g)"),
    "unstr(t, s)": hm.bf("y ~ x + (1 | g) + unstr(t, s)"),
}


@pytest.mark.parametrize("term", FORMULAS)
def test_rows_given_those_before_by_loops(term):
    stated = hm.model(FORMULAS[term], FEW)
    density = stated.log_density
    x = density.initial[None] + 0.1
    draw, effects = first_draw(density, x), [u[0] for u in density.effects(x, seed=1)]
    mean_rows, sigma = (part[0] for part in mean_and_sigma(stated, draw, effects))
    matrix = np.full((N_TIMES, N_TIMES), draw.get("cosy", 1.0))
    for name, i, j in [(name, int(name[9]), int(name[12])) for name in draw if name.startswith("cortime")]:
        matrix[i, j] = matrix[j, i] = draw[name]
    np.fill_diagonal(matrix, 1.0)
    wanted, below = np.empty(len(FEW)), np.empty(len(FEW))
    for i, row in FEW.iterrows():
        earlier = np.flatnonzero((FEW.s == row.s) & (FEW.t < row.t))
        own, times = matrix[int(row.t), FEW.t[earlier]], FEW.t[earlier]
        weights = np.linalg.solve(matrix[np.ix_(times, times)], own) if len(earlier) else np.empty(0)
        carried = weights @ ((FEW.y[earlier] - mean_rows[earlier]) / sigma[earlier])
        center, scale = mean_rows[i] + sigma[i] * carried, sigma[i] * np.sqrt(1 - weights @ own)
        wanted[i], below[i] = norm.logpdf(row.y, center, scale), norm.cdf(row.y, center, scale)
    np.testing.assert_allclose(row_log_likelihood(density, named_draws(density, x, 1))[0], wanted, rtol=1e-9)
    blocks = list(row_blocks(density, stated.design, named_draws(density, x, 1), 11, cdf=True))
    np.testing.assert_allclose(np.concatenate([b.log_lik[:, 0] for b in blocks]), wanted, rtol=1e-9)
    np.testing.assert_allclose(np.concatenate([b.cdf[0, :, 0] for b in blocks], axis=0), below, rtol=1e-9)


def test_whole_groups_are_as_dense_normals():
    stated = hm.model("y ~ x + (1 | g) + unstr(t, s)", FEW)
    x = stated.log_density.initial[None]
    found = by_group(stated.log_density, stated.design, "g", x, 0, 1)[0]
    whole = stated.marginal_log_lik({n: v[0] for n, v in stated.log_density.constrain(x).items()})
    assert found.sum() == pytest.approx(whole, abs=1e-8)


def test_groups_that_divide_series():
    stated = hm.model("y ~ x + (1 | g) + (1 | h) + cosy(t, s)", FEW)
    assert [stated.spec.factors[f].name for f in stated.log_density.plan.factors] == ["g"]
    with pytest.raises(HmlmError, match=r"series of cosy\(\) has rows of several levels of 'h'"):
        by_group(stated.log_density, stated.design, "h", stated.log_density.initial[None], 0, 1)
    with pytest.raises(HmlmError, match=r"cosy\(\) has rows of several levels of 'h'.*choose 'informed'"):
        hm.model("y ~ x + (1 | g) + (1 | h) + cosy(t, s)", FEW, density="marginal")


def test_the_programs_distribution_samples_what_it_states():
    series, place = np.array([0, 1, 0, 1]), np.array([2, 0, 1, 2])
    scale = np.array([1.0, 2.0, 0.5, 1.5])
    same = series[:, None] == series
    covariance = np.where(same, CORRELATIONS[np.ix_(place, place)], 0.0) * np.outer(scale, scale)
    joint = RepeatedNormal(jnp.arange(4.0), jnp.asarray(scale), jnp.asarray(CORRELATIONS), series, place)
    draws = np.asarray(joint.sample(jax.random.key(1), (20_000,)))
    np.testing.assert_allclose(draws.mean(0), np.arange(4), atol=0.1)
    np.testing.assert_allclose(np.cov(draws.T), covariance, atol=0.05 * covariance.max())
    value = jnp.array([0.3, -1.0, 2.0, 0.1])
    wanted = multivariate_normal(np.arange(4.0), covariance).logpdf(value)
    assert float(joint.log_prob(value)) == pytest.approx(wanted, rel=1e-4)


def test_explain_says_what_happens():
    text = hm.model("y ~ x + unstr(t, s)", DATA).explain()
    assert "residuals: unstr() by statistics" in text and "3 occasions correlate freely" in text
    assert "prior: cortime ~ lkj(1)" in text
    assert "prior: cosy ~ (flat)" in hm.model("y ~ x + cosy(gr = s)", DATA).explain()


def test_correlations_are_checked():
    stated = hm.model("y ~ x + cosy(gr = s)", FEW)
    with pytest.raises(HmlmError, match="between 0 and 1"):
        stated.marginal_log_lik({**VALUES, "sigma": 1.0, "cosy": 1.2})
    stated = hm.model("y ~ x + unstr(t, s)", FEW)
    wild = dict(zip(CORTIME, (0.9, 0.9, -0.9), strict=True))
    with pytest.raises(HmlmError, match="no correlation matrix"):
        stated.marginal_log_lik({**VALUES, "sigma": 1.0, **wild})


def test_maximum_likelihood_says_that_it_is_not_there():
    with pytest.raises(HmlmError, match=r"cosy\(\) has no maximum-likelihood fit"):
        hm.fit("y ~ x + (1 | g) + cosy(t, s)", FEW, algorithm="ml")
