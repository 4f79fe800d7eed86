"""A fit whose residual correlation has a formula: what it finds, prints, predicts, stores and reports."""

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose
from scipy.stats import multivariate_normal

import hmlm as hm
from hmlm.results.report.mathematics import model_parts
from hmlm.results.report.words import notation, sentence

pytestmark = pytest.mark.filterwarnings("ignore::hmlm.types.SamplingWarning")  # few draws

TRUTH = {"b_rescor_Intercept": 0.5, "b_rescor_age": 0.4, "sd_id__rescor_Intercept": 0.4, "b_y_Intercept": 1.0}
LEVELS, ROWS = 80, 30
FORMULA = [
    hm.bf("y ~ 1 + (1 |c| id)", sigma="~ 1 + (1 |c| id)"),
    hm.bf("v ~ 1 + (1 |c| id)"),
    hm.set_rescor("~ 1 + age + (1 |c| id)"),
]


def levels() -> tuple[np.ndarray, np.ndarray]:
    """(J,) age, of mean zero, and effects on the residual correlation."""
    rng = np.random.default_rng(5)
    age = rng.normal(size=LEVELS)
    return age - age.mean(), rng.normal(0, 0.4, LEVELS)


@pytest.fixture(scope="module")
def data():
    (age, effect), rng = levels(), np.random.default_rng(7)
    g = np.repeat(np.arange(LEVELS), ROWS)
    rho = np.tanh(0.5 + 0.4 * age + effect)[g]
    first, second = rng.normal(size=(2, len(g)))
    scale, u, w = np.exp(rng.normal(0, 0.3, LEVELS)), rng.normal(0, 0.5, LEVELS), rng.normal(0, 0.5, LEVELS)
    y = 1.0 + u[g] + scale[g] * first
    v = 2.0 + w[g] + 3.0 * (rho * first + np.sqrt(1 - rho**2) * second)
    return pd.DataFrame({"y": y, "v": v, "age": age[g], "id": g})


@pytest.fixture(scope="module")
def fit(data):
    return hm.fit(FORMULA, data, chains=2, warmup=250, draws=250, seed=1)


def test_parameters_are_recovered(fit):
    for name, truth in TRUTH.items():
        draws = fit.posterior[name]
        assert abs(float(draws.mean()) - truth) < 3.5 * float(draws.std()), name
        assert float(draws.std()) < 0.15, name
    effects = fit.effects["r_id__rescor"].sel(term="Intercept").mean(("chain", "draw"))
    assert np.corrcoef(effects, levels()[1])[0, 1] > 0.6


def test_names_and_printout(fit):
    assert {"cor_id__y_Intercept__rescor_Intercept", "b_sigma_y_Intercept"} <= set(fit.posterior)
    assert not any(name.startswith("rescor") for name in fit.posterior)
    labels = fit.summary().index
    assert {"rescor_Intercept", "rescor_age", "sd(rescor_Intercept)"} <= set(labels)
    assert "cor(sigma_y_Intercept,rescor_Intercept)" in labels
    text = str(fit)
    assert "rescor ~ 1 + age + (1 | c | id)" in text and "rescor = atanh" in text
    assert "Residual Correlations" not in text


def correlation(fit, rows):
    """(C, S, N) from the draws by hand."""
    b = {name: fit.posterior[f"b_rescor_{name}"].values[..., None] for name in ("Intercept", "age")}
    effects = fit.effects["r_id__rescor"].sel(term="Intercept").values[..., rows.id]
    return np.tanh(b["Intercept"] + b["age"] * rows.age.to_numpy() + effects)


def test_correlations_of_old_and_new_rows(fit, data):
    rows = data.iloc[[0, 700, 2399]]
    wanted = correlation(fit, rows)
    assert_allclose(fit.epred(dpar="rescor").values[..., rows.index], wanted, rtol=1e-9)
    assert_allclose(fit.epred(rows, dpar="rescor").values, wanted, rtol=1e-9)
    assert_allclose(fit.linpred(rows, dpar="rescor").values, np.arctanh(wanted), rtol=1e-9)
    new = pd.DataFrame({"id": ["a", "b"], "age": [0.0, 1.0]})
    drawn = fit.epred(new, dpar="rescor", allow_new_levels=True, sample_new_levels="gaussian").values
    spread = np.arctanh(drawn).std((0, 1))
    assert np.all((spread > 0.3) & (spread < 0.55))
    marginal = fit.conditional_effects("age", dpar="rescor")["age"]
    assert marginal["Estimate"].iloc[-1] > marginal["Estimate"].iloc[0] + 0.3


def test_predictions_correlate_as_their_row_does(fit, data):
    extreme = data.assign(mean=np.repeat(np.tanh(0.5 + 0.4 * levels()[0] + levels()[1]), ROWS))
    rows = extreme.sort_values("mean").iloc[[0, -1]]
    predicted, expected = fit.predict(rows, seed=2), fit.epred(rows)
    sigma = fit.epred(rows, dpar="sigma")
    y, v = ((predicted - expected) / sigma).transpose("resp", "row", "chain", "draw").values.reshape(2, 2, -1)
    low, high = (np.corrcoef(y[i], v[i])[0, 1] for i in range(2))
    known = correlation(fit, rows).mean((0, 1))
    assert abs(low - known[0]) < 0.12 and abs(high - known[1]) < 0.12 and high - low > 0.5
    alone = fit.predict(rows, seed=2, resp="v").values
    assert_allclose(alone, predicted.sel(resp="v").values)


def test_log_likelihood_of_rows(fit, data):
    rows = data.iloc[[3, 1000]]
    mean, sigma, rho = fit.epred(rows), fit.epred(rows, dpar="sigma"), correlation(fit, rows)
    got = fit.log_lik().values[..., rows.index]
    for n in range(2):
        at = {"chain": 1, "draw": 7, "row": n}
        m, s, r = mean.isel(at).values, sigma.isel(at).values, rho[1, 7, n]
        covariance = np.outer(s, s) * [[1.0, r], [r, 1.0]]
        wanted = multivariate_normal(m, covariance).logpdf(rows[["y", "v"]].to_numpy()[n])
        assert_allclose(got[1, 7, n], wanted, rtol=1e-9)


def test_saved(fit, tmp_path, data):
    fit.save(tmp_path / "fit.nc")
    loaded = hm.load_fit(tmp_path / "fit.nc")
    assert loaded.design.formula == fit.design.formula
    assert_allclose(loaded.effects["r_id__rescor"].values, fit.effects["r_id__rescor"].values)
    rows = data.iloc[:90:40]
    assert_allclose(loaded.predict(rows, seed=3).values, fit.predict(rows, seed=3).values)
    assert str(loaded) == str(fit)
    assert "No residual correlation: it has a formula" in str(loaded.var_corr())


def test_report_says_it(fit):
    words = sentence(fit.spec, ("y", "v"), 2400)
    assert "the correlation of the residuals of y and v, on the atanh scale, depends on age" in words
    notes = " ".join(notation(fit.spec, fit.design))
    assert "ρ with the index i is the correlation in row i" in notes
    parts = {part.title: part.mathml for part in model_parts(fit.spec, ("y", "v"))}
    assert "atanh" in parts["Linear predictors"] and parts["Likelihood"].count("ρ") == 2


def test_prior_draws(data):
    priors = [hm.prior("normal(0, 1)", dpar="rescor"), hm.prior("normal(0, 0.5)", "Intercept", dpar="rescor")]
    model = hm.model(["y ~ 1", "v ~ 1", hm.set_rescor("~ age")], data[::50], prior=priors)
    drawn, age = model.sample_prior(draws=256, seed=1), data.age[::50].to_numpy()
    intercept, slope = (
        drawn.posterior[f"b_rescor_{name}"].values[..., None] for name in ("Intercept", "age")
    )
    assert 0.42 < (intercept + slope * age.mean()).std() < 0.58
    assert_allclose(drawn.epred(dpar="rescor").values, np.tanh(intercept + slope * age), rtol=1e-9)
