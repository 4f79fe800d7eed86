"""AR(1) residuals against one dense normal, and against brms's definition written out row by row."""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np
import pandas as pd
import pytest
from scipy.stats import multivariate_normal, norm

import hmlm as hm
from hmlm.density.autoregressive import Autoregressive, generations
from hmlm.density.draws import named_draws
from hmlm.density.pointwise import row_log_likelihood
from hmlm.density.row_blocks import row_blocks
from hmlm.types import HmlmError

from .test_pointwise import by_group, first_draw, mean_and_sigma

RHO, SIGMA, TAU, SLOPE_SD = 0.6, 0.8, 0.7, 0.4
VALUES = {"b_Intercept": 1.5, "b_x": -0.4, "sd_g__Intercept": TAU, "ar[1]": RHO}


def table(seed: int = 3) -> pd.DataFrame:
    """48 rows in shuffled order: 6 series of 3 to 13 rows whose times have gaps, in 3 groups of series."""
    rng = np.random.default_rng(seed)
    s = np.repeat(np.arange(6), [3, 13, 9, 4, 12, 7])
    time = np.concatenate([np.sort(rng.choice(40, n, replace=False)) for n in np.bincount(s)])
    frame = pd.DataFrame({"s": s, "g": s // 2, "time": time, "x": rng.normal(size=len(s))})
    frame["f"] = rng.choice(["a", "b"], len(s))
    frame["h"] = rng.integers(0, 3, len(s))
    frame["y"] = 1 + frame.x + 0.5 * rng.normal(size=3)[frame.g] + rng.normal(size=len(s))
    return frame.sample(frac=1.0, random_state=1).reset_index(drop=True)


DATA = table()


def before(data: pd.DataFrame, time: str | None, group: str | None) -> list[int | None]:
    """The row before each row, by search."""
    out: list[int | None] = []
    for i in range(len(data)):
        earlier = [
            j
            for j in range(len(data))
            if (group is None or data[group][j] == data[group][i])
            and (j < i if time is None else data[time][j] < data[time][i])
        ]
        out.append(max(earlier, key=lambda j: j if time is None else data[time][j], default=None))
    return out


def noise_covariance(previous, sigma: np.ndarray, stationary: bool) -> np.ndarray:
    """(N, N) covariance of the residuals: every residual as a sum of innovations."""
    n = len(sigma)
    root = np.zeros((n, n))

    def fill(i: int) -> np.ndarray:
        own = np.zeros(n)
        j = previous[i]
        own[i] = sigma[i]
        if j is None:
            own[i] *= (1 - RHO**2) ** -0.5 if stationary else 1.0
            return own
        ratio = sigma[i] / sigma[j] if stationary else 1.0
        return own + RHO * ratio * fill(j)

    for i in range(n):
        root[i] = fill(i)
    return root @ root.T


def between(data: pd.DataFrame, slope: bool = False) -> np.ndarray:
    same = data.g.to_numpy()[:, None] == data.g.to_numpy()
    x = data.x.to_numpy()
    return same * (TAU**2 + slope * SLOPE_SD**2 * np.outer(x, x))


def mean(data: pd.DataFrame) -> np.ndarray:
    return VALUES["b_Intercept"] + VALUES["b_x"] * data.x.to_numpy()


SERIES = {
    "ar(time, s)": ("time", "s"),
    "ar(gr = s)": (None, "s"),
    "ar(time = time, gr = g:s)": ("time", "s"),
    "ar(gr = g)": (None, "g"),
}


@pytest.mark.parametrize("cov", [True, False])
@pytest.mark.parametrize("term", SERIES)
def test_statistics_give_the_dense_normal(term, cov):
    stated = hm.model(f"y ~ x + (1 | g) + {term[:-1]}, cov = {str(cov).upper()})", DATA)
    assert stated.log_density.data.statistics is not None
    covariance = noise_covariance(before(DATA, *SERIES[term]), np.full(len(DATA), SIGMA), cov)
    wanted = multivariate_normal(mean(DATA), covariance + between(DATA)).logpdf(DATA.y)
    found = stated.marginal_log_lik({**VALUES, "sigma": SIGMA})
    assert found == pytest.approx(wanted, abs=1e-8)


@pytest.mark.parametrize("cov", [True, False])
@pytest.mark.parametrize("sigma", ["~ 0 + f", "~ 0 + f + x"])
def test_rows_with_their_own_sigma_give_the_dense_normal(cov, sigma):
    formula = hm.bf(f"y ~ x + (1 + x || g) + ar(time, s, cov = {str(cov).upper()})", sigma=sigma)
    stated = hm.model(formula, DATA)
    logs = {"b_sigma_fa": -0.5, "b_sigma_fb": 0.3, **({"b_sigma_x": 0.2} if "x" in sigma else {})}
    log_sigma = np.where(DATA.f == "a", -0.5, 0.3) + logs.get("b_sigma_x", 0.0) * DATA.x
    covariance = noise_covariance(before(DATA, "time", "s"), np.exp(log_sigma.to_numpy()), cov)
    wanted = multivariate_normal(mean(DATA), covariance + between(DATA, slope=True)).logpdf(DATA.y)
    found = stated.marginal_log_lik({**VALUES, **logs, "sd_g__x": SLOPE_SD})
    assert found == pytest.approx(wanted, abs=1e-8)
    if cov:
        assert stated.log_density.data.statistics is None


@pytest.mark.parametrize("cov", [True, False])
def test_a_single_level_model_is_a_regression_with_autocorrelated_errors(cov):
    stated = hm.model(f"y ~ x + ar(time, s, cov = {str(cov).upper()})", DATA)
    covariance = noise_covariance(before(DATA, "time", "s"), np.full(len(DATA), SIGMA), cov)
    wanted = multivariate_normal(mean(DATA), covariance).logpdf(DATA.y)
    values = {name: VALUES[name] for name in ("b_Intercept", "b_x", "ar[1]")}
    assert stated.marginal_log_lik({**values, "sigma": SIGMA}) == pytest.approx(wanted, abs=1e-8)


def test_the_stationary_covariance_is_that_of_an_ar1():
    covariance = noise_covariance([None, 0, 1, 2], np.full(4, SIGMA), stationary=True)
    lags = abs(np.subtract.outer(np.arange(4), np.arange(4)))
    np.testing.assert_allclose(covariance, SIGMA**2 / (1 - RHO**2) * RHO**lags)


def test_the_gradient_of_statistics_is_their_slope():
    fast = hm.model("y ~ x + (1 + x | g) + ar(time, s, cov = TRUE)", DATA).log_density
    direction = np.random.default_rng(0).normal(size=fast.size)
    _, gradient = fast.value_and_grad(fast.initial)
    steps = np.array([float(fast(fast.initial + h * direction)) for h in (-1e-4, 1e-4)])
    assert float(gradient @ direction) == pytest.approx((steps[1] - steps[0]) / 2e-4, rel=1e-5)


def test_effects_of_a_factor_that_divides_series_are_sampled():
    stated = hm.model("y ~ x + (1 | g) + (1 | h) + ar(time, s)", DATA)
    plan = stated.log_density.plan
    assert [stated.spec.factors[f].name for f in plan.factors] == ["g"]
    with pytest.raises(HmlmError, match="several levels of 'h'.*choose 'informed'"):
        hm.model("y ~ x + (1 | g) + (1 | h) + ar(time, s)", DATA, density="marginal")


FORMULAS = {
    "divided": "y ~ x + (1 | g) + (1 | h) + ar(time, s, cov = TRUE)",
    "regression": "y ~ x + (1 | g) + ar(time, s)",
    "scale": hm.bf("y ~ x + (1 | g) + ar(time, s, cov = TRUE)", sigma="~ x + (1 | g)"),
}


@pytest.mark.parametrize("name", FORMULAS)
def test_rows_given_the_row_before_by_loops(name):
    stated = hm.model(FORMULAS[name], DATA)
    density, stationary = stated.log_density, stated.spec.autocor.stationary
    x = density.initial[None] + 0.1
    draw, effects = first_draw(density, x), [u[0] for u in density.effects(x, seed=1)]
    mean_rows, sigma = (part[0] for part in mean_and_sigma(stated, draw, effects))
    rho, y = draw["ar[1]"], DATA.y.to_numpy()
    wanted, below = np.empty(len(DATA)), np.empty(len(DATA))
    for i, j in enumerate(before(DATA, "time", "s")):
        center, scale = mean_rows[i], sigma[i]
        if j is not None:
            center += rho * (sigma[i] / sigma[j] if stationary else 1.0) * (y[j] - mean_rows[j])
        elif stationary:
            scale = scale / np.sqrt(1 - rho**2)
        wanted[i], below[i] = norm.logpdf(y[i], center, scale), norm.cdf(y[i], center, scale)
    np.testing.assert_allclose(row_log_likelihood(density, named_draws(density, x, 1))[0], wanted, rtol=1e-9)
    blocks = list(row_blocks(density, stated.design, named_draws(density, x, 1), 11, cdf=True))
    np.testing.assert_allclose(np.concatenate([b.log_lik[:, 0] for b in blocks]), wanted, rtol=1e-9)
    np.testing.assert_allclose(np.concatenate([b.cdf[0, :, 0] for b in blocks], axis=0), below, rtol=1e-9)


def test_whole_groups_are_as_dense_normals():
    stated = hm.model("y ~ x + (1 | g) + ar(time, s, cov = TRUE)", DATA)
    x = stated.log_density.initial[None]
    found = by_group(stated.log_density, stated.design, "g", x, 0, 1)[0]
    whole = stated.marginal_log_lik({n: v[0] for n, v in stated.log_density.constrain(x).items()})
    assert found.sum() == pytest.approx(whole, abs=1e-8)


def test_groups_that_divide_series_have_no_likelihood_apart():
    stated = hm.model("y ~ x + (1 | h) + ar(time, s)", DATA)
    with pytest.raises(HmlmError, match="several levels of 'h'"):
        by_group(stated.log_density, stated.design, "h", stated.log_density.initial[None], 0, 1)


def test_the_programs_distribution_samples_what_it_states():
    previous = np.array([3, 0, -1, 2])
    scale = jnp.array([1.0, 2.0, 0.5, 1.5])
    order = [None if p < 0 else int(p) for p in previous]
    for stationary in (True, False):
        joint = Autoregressive(jnp.arange(4.0), scale, jnp.array(RHO), previous, stationary=stationary)
        draws = np.asarray(joint.sample(jax.random.key(1), (20_000,)))
        covariance = noise_covariance(order, np.asarray(scale), stationary)
        np.testing.assert_allclose(draws.mean(0), np.arange(4), atol=0.1)
        np.testing.assert_allclose(np.cov(draws.T), covariance, atol=0.05 * covariance.max())
        value = jnp.array([0.3, -1.0, 2.0, 0.1])
        wanted = multivariate_normal(np.arange(4.0), covariance).logpdf(value)
        assert float(joint.log_prob(value)) == pytest.approx(wanted, rel=1e-4)


def test_generations():
    assert [list(rows) for rows in generations(np.array([3, 0, -1, 2, -1]))] == [[2, 4], [3], [0], [1]]


def test_explain_says_what_happens():
    text = hm.model("y ~ x + (1 | g) + ar(time, s, cov = TRUE)", DATA).explain()
    assert "residuals: AR(1) by statistics" in text and "stationary" in text
    assert "prior: ar[1] ~ (flat)" in text


def test_maximum_likelihood_says_that_it_is_not_there():
    with pytest.raises(HmlmError, match="marginal_log_lik"):
        hm.fit("y ~ x + (1 | g) + ar(time, s)", DATA, algorithm="ml")
