"""The public verbs as a user meets them: names, text, one small fit."""

from __future__ import annotations

import subprocess
import sys
import textwrap

import arviz as az
import numpy as np
import pandas as pd
import pytest

import hmlm as hm
from hmlm.types import DataWarning, HmlmError

FORMULA = "wait ~ afternoon + (1 + afternoon | cafe)"
TERMS = ["Intercept", "afternoon"]
SD_AND_COR = ["sd_cafe__Intercept", "sd_cafe__afternoon", "cor_cafe__Intercept__afternoon"]
COEFFICIENTS = ["b_Intercept", "b_afternoon"]


@pytest.fixture(scope="session")
def cafes() -> pd.DataFrame:
    """Waiting times in 12 cafés; two values are missing."""
    table = hm.datasets.simulate_cafes(3, n_cafes=12, n_visits=10)
    table["wait"] = table["wait"].mask(table.index.isin([4, 7]))
    return table


@pytest.fixture(scope="session")
def model(cafes) -> hm.Model:
    with pytest.warns(DataWarning, match="dropped 2 of 120 rows"):
        return hm.model(FORMULA, cafes, prior=hm.prior("exponential(1)", "sd"), data_name="cafés")


@pytest.fixture(scope="session")
def fit(model) -> hm.Fit:
    with pytest.warns(hm.SamplingWarning):
        return model.fit(chains=2, warmup=60, draws=60, seed=1)


# --- importing ------------------------------------------------------------------------------------


def run_python(source: str) -> str:
    """What a fresh interpreter prints."""
    command = [sys.executable, "-c", textwrap.dedent(source)]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()


def test_import_is_light():
    heavy = ("jax", "numpyro", "pandas", "xarray", "arviz", "formulaic")
    source = f"import sys, hmlm; hm = dir(hmlm); print([m for m in {heavy!r} if m in sys.modules])"
    assert run_python(source) == "[]"


def test_lazy_numpyro():
    """arviz 1 leaves numpyro to load at first use; `import numpyro.distributions` then ran it twice, and the
    second copy lacked `distribution`: NumPyro's own samplers failed on our program."""
    assert (
        run_python("""
        import importlib.util, sys
        spec = importlib.util.find_spec("numpyro")
        spec.loader = importlib.util.LazyLoader(spec.loader)
        sys.modules["numpyro"] = lazy = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(lazy)
        import hmlm.infer.nuts, hmlm.density.program
        import numpyro
        print(hasattr(numpyro.distributions, "distribution"), hasattr(numpyro.infer, "hmc"))
    """)
        == "True True"
    )


def test_verbs_stay_verbs_whatever_is_imported():
    """A submodule called like a verb would replace it in the package once imported."""
    assert (
        run_python("""
        import importlib, pkgutil
        import hmlm
        for module in pkgutil.walk_packages(hmlm.__path__, "hmlm."):
            importlib.import_module(module.name)
        verbs = [name for name in hmlm.__all__ if name != "datasets"]
        print([name for name in verbs if not callable(getattr(hmlm, name))])
    """)
        == "[]"
    )


def test_names_are_listed_and_found():
    assert {"model", "fit", "bf", "prior", "get_prior", "load_fit", "melsm", "load_dataset"} <= set(dir(hm))
    assert dir(hm) == sorted(hm.__all__)
    assert all(getattr(hm, name) is not None for name in dir(hm))
    with pytest.raises(AttributeError, match="no attribute 'modle'") as raised:
        _ = hm.modle
    assert raised.value.obj is hm


# --- a stated model -------------------------------------------------------------------------------


def test_model_reads_as_its_formula(model):
    assert repr(model) == f"hmlm model, 118 rows\n{FORMULA}"


def test_explain(model):
    size, cost, kernels, _, header, block, _, device, *priors = model.explain().splitlines()
    assert size == (
        "6 of 30 dimensions are sampled: 6 population-level (dense mass matrix) and 0 of 24 group effects"
    )
    assert cost.startswith("a gradient costs about ") and "sufficient statistics replace 118 rows" in cost
    assert kernels.startswith(("kernels: native (", "kernels: xla"))
    assert header.split() == ["block", "coefficients", "levels", "treatment", "sampled", "reason"]
    assert block.startswith("cafe   Intercept, afternoon      12  integrated out        0  they enter")
    assert device.startswith("device: ")
    assert "prior: b_afternoon ~ (flat)" in priors
    assert "prior: sd_cafe ~ exponential(1)" in priors
    assert all(line.startswith("prior: ") for line in priors)


def test_log_likelihood_by_row_and_by_group(fit):
    rows, groups = fit.log_lik(), fit.log_lik("cafe")
    assert (rows.dims, rows.shape) == (("chain", "draw", "row"), (2, 60, 118))
    assert (groups.dims, groups.shape) == (("chain", "draw", "cafe"), (2, 60, 12))
    assert np.isfinite(rows).all() and np.isfinite(groups).all()
    with pytest.raises(hm.HmlmError, match="no grouping factor 'bar'; the model has cafe"):
        fit.log_lik("bar")
    with pytest.raises(hm.HmlmError, match="samples = 0"):
        fit.log_lik("cafe", samples=0)


def test_a_loaded_fit_has_the_same_log_likelihood(fit, tmp_path):
    fit.save(tmp_path / "fit.nc")
    np.testing.assert_allclose(hm.load_fit(tmp_path / "fit.nc").log_lik(), fit.log_lik(), rtol=1e-8)


def test_get_prior(cafes):
    with pytest.warns(DataWarning):
        priors = hm.get_prior(FORMULA, cafes)
    assert list(priors.columns[:4]) == ["prior", "class", "coef", "group"]
    assert set(priors["class"]) == {"Intercept", "b", "sd", "cor", "sigma"}


def test_numpyro_samples_the_program(model):
    from jax import random
    from numpyro.infer import MCMC, NUTS, Predictive

    mcmc = MCMC(NUTS(model.numpyro_model), num_warmup=10, num_samples=10, progress_bar=False)
    mcmc.run(random.key(0), **model.model_kwargs)
    assert len(next(iter(mcmc.get_samples().values()))) == 10

    without_y = {name: value for name, value in model.model_kwargs.items() if name != "y"}
    simulated = Predictive(model.numpyro_model, mcmc.get_samples())(random.key(1), **without_y)
    assert any(np.shape(value) == (10, 118) for value in simulated.values())


# --- a fit ----------------------------------------------------------------------------------------


def test_fit_prints_what_was_asked(fit):
    text = str(fit)
    assert f"Formula: {FORMULA}" in text
    assert "cafés (Number of observations: 118; 2 rows with missing values left out)" in text
    assert "2 chains, each with iter = 120; warmup = 60; thin = 1;" in text
    assert "~cafe (Number of levels: 12)" in text


def test_draws_have_the_names_of_brms(fit):
    assert set(fit.posterior.data_vars) == {*COEFFICIENTS, *SD_AND_COR, "sigma"}
    assert dict(fit.posterior.sizes) == {"chain": 2, "draw": 60}
    assert fit["b_afternoon"].shape == (2, 60)
    with pytest.raises(HmlmError, match="no variable 'b_aftrnoon'; did you mean 'b_afternoon'"):
        fit["b_aftrnoon"]


def test_tables(fit):
    summary = fit.summary()
    assert list(summary.index[:2]) == ["sd(Intercept)", "sd(afternoon)"]
    assert list(fit.fixef().index) == TERMS
    effects = fit.ranef()["cafe"]
    assert len(effects) == 12 * 2 and list(effects["term"].unique()) == TERMS


def test_arviz_and_files(fit, tmp_path):
    assert set(COEFFICIENTS) <= set(az.summary(fit.to_arviz()).index)
    fit.save(tmp_path / "fit.nc")
    assert str(hm.load_fit(tmp_path / "fit.nc")) == str(fit)


def test_one_call_is_model_and_fit(model, cafes, fit):
    """The same seed gives the same draws, by either way."""
    with pytest.warns((DataWarning, hm.SamplingWarning)):
        again = hm.fit(
            FORMULA,
            cafes,
            prior='prior(exponential(1), class = "sd")',
            chains=2, warmup=60, draws=60, seed=1,
        )  # fmt: skip
    np.testing.assert_array_equal(again["b_afternoon"], fit["b_afternoon"])


# --- factories ------------------------------------------------------------------------------------

N = 48
RNG = np.random.default_rng(5)
ONES = np.ones((N, 1))
X = RNG.normal(size=(N, 2))
IDX = np.repeat(np.arange(8), 6)
Y = RNG.normal(size=N)
FRAME = pd.DataFrame({"one": 1.0, "age": X[:, 0], "dose in mg": X[:, 1]})

FACTORIES = {
    "varying_intercept": (lambda: hm.varying_intercept(X, IDX, Y), "y ~ 1 + X1 + X2 + (1 | idx)"),
    "lists": (
        lambda: hm.varying_intercept(X.tolist(), IDX.tolist(), Y.tolist()),
        "y ~ 1 + X1 + X2 + (1 | idx)",
    ),
    "one predictor": (lambda: hm.varying_intercept(X[:, 0], IDX, Y), "y ~ 1 + X1 + (1 | idx)"),
    "Series": (
        lambda: hm.varying_intercept(FRAME["age"], pd.Series(IDX, name="school"), pd.Series(Y, name="score")),
        "score ~ 1 + age + (1 | school)",
    ),
    "no predictor": (lambda: hm.varying_intercept(np.empty((N, 0)), IDX, Y), "y ~ 1 + (1 | idx)"),
    "varying_slope": (lambda: hm.varying_slope(X, IDX, Y), "y ~ 1 + (0 + X1 + X2 || idx)"),
    "varying_intercept_slope": (
        lambda: hm.varying_intercept_slope(X, IDX, Y),
        "y ~ 1 + (1 + X1 + X2 || idx)",
    ),
    "correlated_varying_intercept_slope": (
        lambda: hm.correlated_varying_intercept_slope(np.hstack([ONES, X]), IDX, Y),
        "y ~ 1 + X2 + X3 + (1 + X2 + X3 | idx)",
    ),
    "column of ones": (
        lambda: hm.correlated_varying_intercept_slope(FRAME, IDX, Y),
        "y ~ 1 + age + dose.in.mg + (1 + age + dose.in.mg | idx)",
    ),
    "no column of ones": (
        lambda: hm.correlated_varying_intercept_slope(X, IDX, Y),
        "y ~ 0 + X1 + X2 + (0 + X1 + X2 | idx)",
    ),
    "multivariate": (
        lambda: hm.multivariate(FRAME, ONES, IDX, np.column_stack([Y, RNG.normal(size=N)])),
        "y1 ~ 1 + age + dose.in.mg + (1 | c | idx)\ny2 ~ 1 + age + dose.in.mg + (1 | c | idx)",
    ),
    "melsm": (
        lambda: hm.melsm(FRAME, FRAME[["one", "age"]], ONES, ONES, pd.Series(IDX, name="id"), Y),
        "y ~ 1 + age + dose.in.mg + (1 + age | c | id)\nsigma ~ 1 + (1 | c | id)",
    ),
}


@pytest.mark.parametrize("name", FACTORIES)
def test_factories_state_formulas(name):
    make, formula = FACTORIES[name]
    model = make()
    assert repr(model) == f"hmlm model, {N} rows\n{formula}"
    assert not any(outcome.center for outcome in model.design.formula.outcomes)


def test_factories_have_the_priors_of_the_tutorial():
    lines = FACTORIES["correlated_varying_intercept_slope"][0]().explain().splitlines()
    assert f"prior: b_Intercept ~ normal({Y.mean():g}, {2.5 * Y.std(ddof=1):g})" in lines
    assert "prior: b ~ normal(0, 2)" in lines
    assert "prior: sd_idx ~ cauchy(0, 2)" in lines
    assert "prior: cor_idx ~ lkj(2)" in lines
    assert f"prior: sigma ~ exponential({1 / Y.std(ddof=1):g})" in lines


def test_priors_replace_those_of_the_tutorial():
    model = hm.varying_intercept(X, IDX, Y, prior=[hm.prior("normal(0, 9)", coef="X1")])
    assert [str(prior) for prior in model.spec.predictors[0].priors] == ["normal(0, 9)", "(flat)"]
