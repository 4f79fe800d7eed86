"""Power-scaling against the closed form of a conjugate normal model, and what it diagnoses."""

from __future__ import annotations

import warnings

import numpy as np
import pandas as pd
import pytest
from scipy import stats

import hmlm as hm
from hmlm.results.sensitivity import ALPHAS, CONFLICT, FINE, STRONG, sensitivities

from ..helpers import even

N = 8
REPLICATES = 16


def conjugate(mean: float, error: float, scale: float) -> hm.Fit:
    """mu ~ normal(0, scale), a mean of N rows whose standard error is known."""
    values = mean + np.linspace(-1, 1, N)
    data = pd.DataFrame({"y": values, "s": np.full(N, error * np.sqrt(N))})
    prior = hm.prior(f"normal(0, {scale})", class_="Intercept")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", hm.SamplingWarning)
        return hm.fit("y | se(s) ~ 1", data, prior=prior, draws=2000, warmup=300, seed=3, progress=False)


def posterior(mean: float, error: float, scale: float, prior: float = 1.0, likelihood: float = 1.0):
    """The posterior where prior and likelihood are raised to powers."""
    precision = prior / scale**2 + likelihood / error**2
    return stats.norm(likelihood * mean / error**2 / precision, precision**-0.5)


def distance(p, q, draws: np.ndarray) -> float:
    """Cumulative Jensen-Shannon distance between normals over the range of the draws."""
    x = np.linspace(draws.min(), draws.max(), 20001)
    return max(_one_way(p.cdf(x), q.cdf(x), x), _one_way(p.sf(x), q.sf(x), x))


def _one_way(p: np.ndarray, q: np.ndarray, x: np.ndarray) -> float:
    half = 0.5 * (p + q)
    divergence = p * np.log2(p / half) + q * np.log2(q / half)
    return np.sqrt(np.trapezoid(divergence, x) / np.trapezoid(p + q, x))


def exact(case: tuple[float, float, float], component: str, draws: np.ndarray) -> float:
    """The sensitivity of the exact posterior."""
    base = posterior(*case)
    scaled = [distance(base, posterior(*case, **{component: alpha}), draws) for alpha in ALPHAS]
    return 0.5 * (scaled[1] / np.log2(ALPHAS[1]) - scaled[0] / np.log2(ALPHAS[0]))


CASES = {
    CONFLICT: (3.0, 0.5, 0.5),
    STRONG: (0.02, 1.0, 0.05),
    FINE: (3.0, 0.5, 100.0),
}


def log_density(case: tuple[float, float, float], component: str, draws: np.ndarray) -> np.ndarray:
    mean, error, scale = case
    return {"prior": stats.norm(0, scale), "likelihood": stats.norm(mean, error)}[component].logpdf(draws)


@pytest.mark.parametrize("component", ["prior", "likelihood"])
@pytest.mark.parametrize("diagnosis", CASES)
def test_sensitivities_of_exact_draws_are_those_of_the_closed_form(diagnosis, component):
    case, off = CASES[diagnosis], []
    for seed in range(REPLICATES):
        draws = posterior(*case).rvs((1, 4, 1000), random_state=seed)
        (found,) = sensitivities(draws, log_density(case, component, draws[0]))
        off.append(found / exact(case, component, draws) - 1)
    standard_error = np.std(off, ddof=1) / np.sqrt(REPLICATES)
    assert standard_error < 0.03
    assert abs(np.mean(off)) < 4 * standard_error + 0.005


@pytest.mark.parametrize("diagnosis", CASES)
def test_a_fit_of_a_conjugate_normal_model_is_diagnosed(diagnosis):
    fit = conjugate(*CASES[diagnosis])
    (row,) = fit.prior_sensitivity().to_dict("records")
    assert row["diagnosis"] == diagnosis
    for component in ("prior", "likelihood"):
        wanted = exact(CASES[diagnosis], component, fit["b_Intercept"].values)
        assert row[component] == pytest.approx(wanted, rel=0.3), component  # 4 standard errors


PRIORS = [
    hm.prior("normal(2, 1)", class_="Intercept"),
    hm.prior("normal(0, 1)", lb=-0.5),
    hm.prior("exponential(1)", class_="sd"),
    hm.prior("cauchy(0, 1)", class_="sigma"),
    hm.prior("lkj(2)", class_="cor"),
]


@pytest.fixture(scope="module")
def fit() -> hm.Fit:
    model = hm.model("y ~ x + (1 + x | g)", even(0), prior=PRIORS)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", hm.SamplingWarning)
        return model.fit(chains=2, warmup=300, draws=400, seed=1, progress=False)


def test_the_log_prior_of_draws_is_scipys(fit):
    found = fit.log_prior()
    centered = fit["b_Intercept"] + fit["b_x"] * even(0)["x"].mean()
    rho = fit["cor_g__Intercept__x"]
    wanted = {
        "b_Intercept": stats.norm(2, 1).logpdf(centered),
        "b_x": stats.norm().logpdf(fit["b_x"]) - stats.norm.logsf(-0.5),
        "sigma": stats.halfcauchy().logpdf(fit["sigma"]),
        "sd_g__Intercept": stats.expon().logpdf(fit["sd_g__Intercept"]),
        "sd_g__x": stats.expon().logpdf(fit["sd_g__x"]),
        "cor_g": np.log1p(-(rho.values**2)),
    }
    assert set(found) == set(wanted)
    for name, values in wanted.items():
        np.testing.assert_allclose(found[name], values, rtol=1e-9, atol=1e-14, err_msg=name)


def test_the_table_has_a_row_per_parameter_of_the_summary(fit):
    found = fit.prior_sensitivity()
    assert list(found.index) == list(fit.summary().index)
    assert (found["prior"] >= 0).all() and (found["likelihood"] > 0).all()


def test_one_prior_alone_moves_its_own_parameter_most(fit):
    found = fit.prior_sensitivity(priors="sd_g__x")
    assert found["prior"].idxmax() == "sd(x)"
    assert (found["likelihood"] == fit.prior_sensitivity()["likelihood"]).all()


def test_flat_priors_have_no_sensitivity():
    flat = [hm.prior("", class_=name) for name in ("Intercept", "b", "sigma")]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", hm.SamplingWarning)
        fit = hm.fit("y ~ x", even(0), prior=flat, chains=2, warmup=200, draws=200, progress=False)
    found = fit.prior_sensitivity()
    assert (found["prior"] == 0).all()
    assert set(found["diagnosis"]) == {FINE}


def test_a_saved_fit_has_the_same_sensitivities(fit, tmp_path):
    fit.save(tmp_path / "fit.nc")
    read = hm.load_fit(tmp_path / "fit.nc")
    wanted, got = (one.prior_sensitivity()[["prior", "likelihood"]] for one in (fit, read))
    np.testing.assert_allclose(got, wanted, rtol=1e-6)


def test_what_cannot_be_scaled_is_explained(fit):
    with pytest.raises(hm.HmlmError, match="did you mean 'sd_g__x'"):
        fit.prior_sensitivity(priors="sd_g_x")
    prior = hm.model("y ~ 1", even(0)).sample_prior(50)
    with pytest.raises(hm.HmlmError, match="of the prior alone"):
        prior.prior_sensitivity()
