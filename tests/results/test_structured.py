"""A fit of effects whose correlations are made of one rho: recovered, predicted, stored, described."""

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose

import hmlm as hm
from hmlm.results.plots.correlation_prior import GRID
from hmlm.results.report.mathematics import model_parts
from hmlm.results.report.words import notation, sentence

pytestmark = pytest.mark.filterwarnings("ignore::hmlm.types.SamplingWarning")  # few draws
LEVELS, TIMES, EACH = 80, 4, 3
SD, RHO, SIGMA = np.array([0.6, 1.0, 1.5, 1.0]), 0.6, 0.5
LAGS = np.abs(np.arange(TIMES)[:, None] - np.arange(TIMES))
FORMULA = "y ~ 1 + hetar1(0 + factor(f) | g)"
NAMES = [f"factorf{f}" for f in range(TIMES)]


def simulated(R: np.ndarray, sd: np.ndarray) -> tuple[np.ndarray, pd.DataFrame]:
    rng = np.random.default_rng(4)
    u = sd * (rng.normal(size=(LEVELS, TIMES)) @ np.linalg.cholesky(R).T)
    g, f, _ = (index.ravel() for index in np.indices((LEVELS, TIMES, EACH)))
    return u, pd.DataFrame({"g": g, "f": f, "y": 1.0 + u[g, f] + SIGMA * rng.normal(size=len(g))})


TRUTH, DATA = simulated(RHO**LAGS, SD)


@pytest.fixture(scope="module")
def fit():
    return hm.fit(FORMULA, DATA, chains=2, warmup=200, draws=300, seed=1)


def assert_recovered(fit: hm.Fit, R: np.ndarray, sds: np.ndarray, truth: np.ndarray) -> None:
    values = {"sigma": SIGMA, "b_Intercept": 1.0}
    values |= {f"sd_g__{name}": sd for name, sd in zip(NAMES, sds, strict=True)}
    values |= {f"cor_g__{NAMES[i]}__{NAMES[j]}": R[i, j] for j in range(TIMES) for i in range(j)}
    for name, value in values.items():
        draws = fit.posterior[name]
        assert abs(float(draws.mean()) - value) < 3.5 * float(draws.std()), name
    effects = fit.effects["r_g"].sel(term=NAMES)
    error = (effects.mean(("chain", "draw")).values - truth) / effects.std(("chain", "draw")).values
    assert 0.8 < np.sqrt(np.mean(error**2)) < 1.3


def test_parameters_are_recovered(fit):
    assert fit.info.density == f"g: {TIMES} x {LEVELS} effects integrated out exactly"
    assert_recovered(fit, RHO**LAGS, SD, TRUTH)
    neighbours = fit.posterior["cor_g__factorf2__factorf3"].values
    assert_allclose(fit.posterior["cor_g__factorf0__factorf3"].values, neighbours**3, rtol=1e-4)
    assert "hetar1(0 + factor(f) | g)" in repr(fit)


@pytest.mark.nightly
@pytest.mark.parametrize("density", ["marginal", "informed", "noncentered"])
@pytest.mark.parametrize("structure", ["cs", "homcs", "ar1"])
def test_other_structures_are_recovered(structure, density):
    R = RHO**LAGS if structure == "ar1" else np.where(LAGS == 0, 1.0, RHO)
    sd = SD if structure == "cs" else np.ones(TIMES)
    truth, data = simulated(R, sd)
    formula = f"y ~ 1 + {structure}(0 + factor(f) | g)"
    fit = hm.fit(formula, data, chains=2, warmup=300, draws=300, seed=1, density=density)
    assert_recovered(fit, R, sd, truth)


def test_new_levels_have_its_covariance(fit):
    new = pd.DataFrame({"g": -1, "f": range(TIMES)})
    drawn = np.asarray(fit.epred(new, allow_new_levels=True)).reshape(-1, TIMES)
    found = np.corrcoef(drawn.T)
    assert_allclose(found[LAGS == 1], RHO, atol=0.17)
    assert_allclose(found[LAGS == 3], RHO**3, atol=0.2)


def test_levels_are_integrated_over_its_covariance(fit):
    first = {name: float(draws.values[0, 0]) for name, draws in fit.posterior.items()}
    by_level = fit.log_lik(group="g").values[0, 0].sum()
    assert by_level == pytest.approx(hm.model(FORMULA, DATA).marginal_log_lik(first), abs=0.01)


def test_saved(fit, tmp_path):
    fit.save(tmp_path / "fit.nc", effects=False)
    loaded = hm.load_fit(tmp_path / "fit.nc")
    assert loaded.spec == fit.spec
    assert_allclose(loaded.effects["r_g"].values, fit.effects["r_g"].values, atol=1e-8)


def test_explained(fit):
    said = str(hm.model(FORMULA, DATA).explain())
    assert "effects of g: 4 of one level have the correlations rho^|i - j|, AR(1)" in said
    assert "rho_g ~ uniform(-1, 1)" in said


def test_in_words_and_symbols(fit):
    (effects,) = (p.mathml for p in model_parts(fit.spec, ("y",)) if p.title == "Group effects")
    (priors,) = (p.mathml for p in model_parts(fit.spec, ("y",)) if p.title == "Priors")
    assert "ρ" in effects
    assert "Uniform" in priors
    assert "LKJ" not in priors
    assert "correlate the less the further apart" in sentence(fit.spec, ("y",), len(DATA))
    assert any(
        "the correlation of neighbouring group effects" in note for note in notation(fit.spec, fit.design)
    )


def test_one_standard_deviation_in_symbols():
    spec = hm.model("y ~ 1 + homcs(0 + factor(f) | g)", DATA).spec
    (effects,) = (p.mathml for p in model_parts(spec, ("y",)) if p.title == "Group effects")
    assert "diag" not in effects
    said = sentence(spec, ("y",), len(DATA))
    assert "the 4 varying coefficients of g, all of one standard deviation, have one correlation" in said


def test_priors_of_powers_are_drawn(fit):
    names = ["cor_g__factorf0__factorf1", "cor_g__factorf0__factorf3"]
    one, cube = (ax.lines[1].get_ydata() for ax in fit.plot.correlation_prior(names).axes)
    assert_allclose(one, 0.5)
    away = GRID >= 0.1
    assert np.trapezoid(cube[away], GRID[away]) == pytest.approx((1 - 0.1 ** (1 / 3)) / 2, abs=1e-3)


@pytest.mark.nightly
def test_draws_of_the_prior():
    prior = hm.prior("normal(0, 1)", class_="Intercept")
    model = hm.model("y ~ 1 + cs(0 + factor(f) | g)", DATA[DATA.g < 6], prior=prior)
    draws = model.sample_prior(draws=500, seed=1).posterior
    rho = draws["cor_g__factorf0__factorf2"].values.ravel()
    assert_allclose(rho, draws["cor_g__factorf1__factorf3"].values.ravel(), atol=1e-6)
    assert_allclose(np.quantile(rho, [0.25, 0.5, 0.75]), [0.0, 1 / 3, 2 / 3], atol=0.08)
