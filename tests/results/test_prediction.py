"""Predictions against explicit sums over columns and effects, on draws that are made up."""

from __future__ import annotations

import dataclasses

import numpy as np
import pandas as pd
import pytest
import xarray as xr

import hmlm as hm
from hmlm.results import Fit
from hmlm.results.prediction import prediction
from hmlm.results.prediction.draws import Draws
from hmlm.results.prediction.new_levels import covariance, new_effects
from hmlm.results.prediction.predict import make_prediction, make_request
from hmlm.spec.names import effects_name, summary_rows

from .conftest import MELSM

CHAINS, N_DRAWS = 2, 30
S = CHAINS * N_DRAWS

MODELS = {
    "one": "y ~ x + kind + (1 + x | g)",
    "crossed": "y ~ x + (1 | g) + (x || h)",
    "nested": "y ~ 0 + Intercept + poly(x, 2) + (1 | g/h)",
    "scale": hm.bf("y ~ x + (1 + x | c | g)", sigma="~ x + (1 | c | g)"),
    "outcomes": hm.bf("y ~ x + (1 | c | g)") + hm.bf("z.z ~ 1 + (1 + x | c | g)") + hm.set_rescor(True),
    "no groups": "y ~ x * kind",
}


def made_up_table(n=80, seed=0):
    rng = np.random.default_rng(seed)
    g, h = rng.permutation(np.arange(n) % 6), rng.permutation(np.arange(n) % 4)
    kind = pd.Categorical(np.array(["a", "b", "c"])[rng.permutation(np.arange(n) % 3)])
    table = pd.DataFrame({"x": rng.normal(size=n), "g": g, "h": h, "kind": kind})
    return table.assign(**{"y": rng.normal(size=n), "z.z": rng.normal(size=n)})


def made_up_draws(spec, seed=1, chains=CHAINS, draws=N_DRAWS):
    """A posterior and effects with random numbers in them."""
    rng = np.random.default_rng(seed)
    values = {}
    for variable, _, section, _ in summary_rows(spec):
        value = rng.normal(size=(chains, draws))
        if variable.startswith(("sd_", "sigma")) and section in ("group", "family"):
            value = np.exp(0.3 * value)
        if variable.startswith(("cor_", "rescor")):
            value = 0.3 * np.tanh(value)
        values[variable] = (("chain", "draw"), value)
    coords = {"chain": np.arange(chains), "draw": np.arange(draws)}
    effects = {}
    for block in spec.blocks:
        factor = spec.factors[block.factor]
        for q in block.order:
            term = block.terms[q]
            array = xr.DataArray(
                rng.normal(size=(chains, draws, factor.n_levels, 1)),
                dims=("chain", "draw", factor.name, "term"),
                coords={**coords, factor.name: list(factor.levels), "term": [term.name]},
            )
            effects.setdefault(effects_name(spec, block.factor, term.predictor), []).append(array)
    joined = {name: xr.concat(parts, dim="term") for name, parts in effects.items()}
    return xr.Dataset(values, coords), joined


class Case:
    """A model with made-up draws."""

    def __init__(self, formula, table=None):
        self.table = made_up_table() if table is None else table
        self.model = hm.model(formula, self.table)
        self.spec, self.design = self.model.spec, self.model.design
        self.posterior, self.effects = made_up_draws(self.spec)

    def predict(self, kind, newdata=None, **options):
        request = make_request(newdata, options)
        return make_prediction(kind, self.spec, self.design, self.posterior, lambda: self.effects, request)

    def draws(self):
        return Draws(self.spec, self.posterior, self.effects, np.arange(S))

    def b(self, name):
        return self.posterior[name].values

    def u(self, name, term, factor, levels):
        """(C, S, N) effects of a term in the rows whose levels are given."""
        return self.effects[name].sel(term=term).sel({factor: [str(v) for v in levels]}).values


@pytest.fixture(scope="module")
def cases():
    return {name: Case(formula) for name, formula in MODELS.items()}


def test_expected_values_are_explicit_sums(cases):
    case = cases["one"]
    t, b = case.table, case.b
    by = lambda name: b(name)[..., None]
    expected = by("b_Intercept") + by("b_x") * t.x.to_numpy()
    expected = expected + by("b_kindb") * (t.kind == "b").to_numpy()
    expected = expected + by("b_kindc") * (t.kind == "c").to_numpy()
    population = expected
    expected = expected + case.u("r_g", "Intercept", "g", t.g) + case.u("r_g", "x", "g", t.g) * t.x.to_numpy()
    found = case.predict("epred").array()
    assert found.dims == ("chain", "draw", "row")
    np.testing.assert_allclose(found, expected, rtol=1e-12, atol=1e-12)
    np.testing.assert_allclose(
        case.predict("epred", re_formula="NA").array(), population, rtol=1e-12, atol=1e-12
    )
    np.testing.assert_allclose(
        case.predict("epred", re_formula=float("nan")).array(), population, rtol=1e-12, atol=1e-12
    )


def test_new_rows_are_encoded_as_the_old(cases):
    for name, case in cases.items():
        for kind in ("linpred", "epred"):
            part = case.table.iloc[[5, 3, 60]]
            found = case.predict(kind, part).array()
            old = case.predict(kind).array().sel(row=[5, 3, 60])
            xr.testing.assert_allclose(found, old, rtol=1e-10)
            assert list(found["row"].values) == [5, 3, 60], name


def test_parameters_have_their_links(cases):
    case = cases["scale"]
    t = case.table
    eta = case.b("b_sigma_Intercept")[..., None] + case.b("b_sigma_x")[..., None] * t.x.to_numpy()
    eta = eta + case.u("r_g__sigma", "Intercept", "g", t.g)
    np.testing.assert_allclose(case.predict("linpred", dpar="sigma").array(), eta, rtol=1e-12, atol=1e-12)
    np.testing.assert_allclose(
        case.predict("epred", dpar="sigma").array(), np.exp(eta), rtol=1e-12, atol=1e-12
    )
    constant = cases["one"].predict("epred", dpar="sigma").array()
    np.testing.assert_array_equal(constant, np.broadcast_to(case_sigma(cases["one"]), constant.shape))


def case_sigma(case):
    return case.b("sigma")[..., None]


@pytest.mark.parametrize(
    ("re_formula", "kept"),
    [
        ("~ (1 | g)", {"g"}),
        ("~ (x || h)", {"h", "hx"}),
        ("~ (0 + x | h)", {"hx"}),
        ("(1 | g) + (1 | h)", {"g", "h"}),
    ],
)
def test_some_effects_count(cases, re_formula, kept):
    case, t = cases["crossed"], cases["crossed"].table
    parts = {
        "g": case.u("r_g", "Intercept", "g", t.g),
        "h": case.u("r_h", "Intercept", "h", t.h),
        "hx": case.u("r_h", "x", "h", t.h) * t.x.to_numpy(),
    }
    expected = case.predict("epred", re_formula="NA").array() + sum(parts[name] for name in kept)
    np.testing.assert_allclose(
        case.predict("epred", re_formula=re_formula).array(), expected, rtol=1e-12, atol=1e-12
    )


def test_a_term_of_a_nested_factor_counts_alone(cases):
    case, t = cases["nested"], cases["nested"].table
    found = case.predict("epred", re_formula="~ (1 | g:h)").array()
    labels = [f"{a}_{b}" for a, b in zip(t.g, t.h, strict=True)]
    expected = case.predict("epred", re_formula="NA").array() + case.u("r_g:h", "Intercept", "g:h", labels)
    np.testing.assert_allclose(found, expected, rtol=1e-12, atol=1e-12)


def test_levels_of_a_varying_factor_are_named_by_their_term():
    table = made_up_table()
    table["kindness"] = table.x * 2 + table.h
    case = Case("y ~ 1 + (1 + kind + kindness | g)", table)
    t = case.table
    expected = case.predict("epred", re_formula="NA").array()
    for level in "bc":
        expected = expected + case.u("r_g", f"kind{level}", "g", t.g) * (t.kind == level).to_numpy()
    found = case.predict("epred", re_formula="~ (0 + kind | g)")
    np.testing.assert_allclose(found.array(), expected, rtol=1e-12, atol=1e-12)


def test_new_outcomes_have_the_residuals_of_the_draw():
    """Mean, spread and correlation over many rows that are the same."""
    case = Case(MODELS["outcomes"])
    row = pd.concat([case.table.iloc[[0]]] * 4000, ignore_index=True)
    mean, new = case.predict("epred", row).array(), case.predict("predict", row).array()
    residual = (new - mean).stack(sample=("chain", "draw")).transpose("sample", "resp", "row").values
    sigma = np.stack([case.b("sigma_y").ravel(), case.b("sigma_zz").ravel()], axis=1)
    np.testing.assert_allclose(residual.std(axis=2), sigma, rtol=0.06)
    np.testing.assert_allclose(residual.mean(axis=2) / sigma, 0, atol=0.08)
    found = [np.corrcoef(one)[0, 1] for one in residual]
    np.testing.assert_allclose(found, case.b("rescor__y__zz").ravel(), atol=0.08)


def test_one_outcome_alone_is_that_outcome(cases):
    for kind in ("linpred", "epred", "predict"):
        both = cases["outcomes"].predict(kind).array()
        alone = cases["outcomes"].predict(kind, resp="zz").array()
        assert both.dims == ("chain", "draw", "row", "resp") and alone.dims == ("chain", "draw", "row")
        if kind != "predict":
            xr.testing.assert_allclose(alone, both.sel(resp="zz", drop=True), rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("kind", ["epred", "predict"])
@pytest.mark.parametrize("name", ["scale", "outcomes"])
def test_chunks_are_the_whole(cases, kind, name):
    found = cases[name].predict(kind)
    whole = found.array().values.reshape(S, 80, -1)
    for rows in (1, 7, 80, 1000):
        parts = [values for _, values in found.chunks(rows)]
        np.testing.assert_allclose(
            np.concatenate(parts, axis=1).transpose(2, 1, 0), whole, rtol=1e-12, atol=1e-12
        )


def test_summary_is_that_of_the_draws(cases):
    found = cases["outcomes"].predict("predict", seed=3)
    table, array = found.summary(0.9), found.array()
    one = array.sel(resp="zz", row=7).values
    expected = [one.mean(), one.std(ddof=1), *np.quantile(one, [0.05, 0.95])]
    np.testing.assert_allclose(table.loc[("zz", 7)], expected, rtol=1e-12, atol=1e-12)
    assert list(table.columns) == ["Estimate", "Est.Error", "l-90% CI", "u-90% CI"]
    single = cases["one"].predict("epred").summary()
    assert list(single.index) == list(range(80)) and single.index.name == "row"


def test_some_draws(cases):
    found = cases["one"].predict("epred", ndraws=11, seed=4).array()
    assert found.dims == ("sample", "row") and found.sizes["sample"] == 11
    whole = cases["one"].predict("epred").array()
    picked = whole.sel(chain=found["chain"], draw=found["draw"])
    np.testing.assert_allclose(found, picked, rtol=1e-12, atol=1e-12)
    assert len({(int(c), int(d)) for c, d in zip(found["chain"], found["draw"], strict=True)}) == 11


# --- new levels ---------------------------------------------------------------------------------------


def strangers(case, levels=("new1", "new2", "new1")):
    rows = case.table.iloc[: len(levels)].copy()
    return rows.assign(g=list(levels))


@pytest.mark.parametrize("way", ["uncertainty", "gaussian", "old_levels"])
def test_a_new_level_is_one_draw_for_all_parameters(cases, way):
    """Rows of one new level share its effects, in location and scale, at each call and in any company."""
    case = cases["scale"]
    options = {"allow_new_levels": True, "sample_new_levels": way, "seed": 8}
    whole = strangers(case).assign(x=0.5)
    mean, scale = (case.predict("linpred", whole, dpar=d, **options).array() for d in ("mu", "sigma"))
    for array in (mean, scale):
        np.testing.assert_array_equal(array.isel(row=0), array.isel(row=2))
        assert not np.allclose(array.isel(row=0), array.isel(row=1))
    alone = case.predict("linpred", whole.iloc[[1]], dpar="mu", **options).array()
    np.testing.assert_allclose(alone.isel(row=0), mean.isel(row=1), rtol=1e-12, atol=1e-12)
    again = case.predict("linpred", whole, dpar="mu", **options).array()
    np.testing.assert_array_equal(mean, again)
    other = case.predict("linpred", whole, dpar="mu", **{**options, "seed": 9}).array()
    assert not np.allclose(other, mean)


def test_uncertainty_takes_the_effects_of_a_known_level_in_each_draw(cases):
    case = cases["scale"]
    draws, known = case.draws(), range(6)
    found = new_effects(case.spec, draws, 0, ["new"], "uncertainty", 5)
    keys = list(found)
    each = np.stack([draws.effect(*key) for key in keys])
    new = np.stack([found[key][0] for key in keys])
    source = [[j for j in known if (each[:, j, s] == new[:, s]).all()] for s in range(S)]
    assert all(len(levels) == 1 for levels in source)
    assert len({levels[0] for levels in source}) == 6
    old = new_effects(case.spec, draws, 0, ["new"], "old_levels", 5)
    same = [j for j in known if all((draws.effect(*key)[j] == old[key][0]).all() for key in keys)]
    assert len(same) == 1


def test_gaussian_levels_have_the_covariance_of_their_draw(cases):
    """Mean and covariance over many new levels, across location and scale, in single draws."""
    case = cases["scale"]
    draws, block = case.draws(), case.spec.blocks[0]
    found = new_effects(case.spec, draws, 0, [f"n{i}" for i in range(4000)], "gaussian", 1)
    new = np.stack([found[0, q] for q in block.order])
    expected = covariance(case.spec, block, draws)
    sd = np.sqrt(np.diagonal(expected, axis1=1, axis2=2))
    names = ["sd_g__Intercept", "sd_g__x", "sd_g__sigma_Intercept"]
    np.testing.assert_allclose(sd, np.stack([case.b(name).ravel() for name in names], axis=1))
    for s in (0, 17, 59):
        scaled = np.cov(new[:, :, s]) / np.outer(sd[s], sd[s])
        np.testing.assert_allclose(scaled, expected[s] / np.outer(sd[s], sd[s]), atol=0.09)
        np.testing.assert_allclose(new[:, :, s].mean(axis=1) / sd[s], 0, atol=0.08)


# --- errors ---------------------------------------------------------------------------------------------


def check(case, message, *, error=hm.HmlmError, kind="epred", **options):
    with pytest.raises(error, match=message):
        case.predict(kind, **options)


def test_errors_teach(cases):
    case = cases["crossed"]
    check(case, "'g' has the level 'new1', 'new2', which the model has not seen", newdata=strangers(case))
    check(case, "x", newdata=case.table[["g", "h"]])
    check(case, "re_formula: no grouping factor 'q'; the model has g, h", re_formula="~ (1 | q)")
    check(
        case,
        r"\(0 \+ x \| g\) is not in the model, where 'Intercept' vary by 'g'",
        re_formula="~ (0 + x | g)",
    )
    check(case, "has no group-level term", re_formula="~ x")
    check(case, "choose one of .*did you mean 'gaussian'", sample_new_levels="gausian")
    check(case, "the family has 'mu', 'sigma'; did you mean 'sigma'", dpar="sigm")
    check(case, "the model's outcomes are 'y'", resp="z")
    check(case, "choose from 1 to 60", ndraws=61)
    check(case, "no option 'allow_new'; did you mean 'allow_new_levels'", allow_new=True)


def test_average_levels_need_no_grouping_column(cases):
    case = cases["crossed"]
    found = case.predict("epred", case.table[["x"]].iloc[:4], re_formula="NA").array()
    xr.testing.assert_allclose(found, case.predict("epred", re_formula="NA").array().isel(row=slice(4)))


# --- what is made of them ---------------------------------------------------------------------------------


def as_fit(case):
    """A fit with the made-up draws."""
    info = dataclasses.replace(MELSM, seed=3)
    observed = xr.Dataset({o.name: ("row", o.values) for o in case.design.outcomes})
    stats = xr.Dataset()
    return Fit(
        info, case.posterior, stats, lambda: case.effects, observed, spec=case.spec, design=case.design
    )


@pytest.mark.parametrize("name", ["one", "outcomes"])
def test_r2_and_residuals_are_those_of_the_expected_values(cases, name, monkeypatch):
    case, outcomes = cases[name], cases[name].spec.outcomes
    fit = as_fit(case)
    monkeypatch.setattr(prediction, "AT_A_TIME", 7 * S)  # in chunks of 7 rows, or 3
    expected = fit.epred().values.reshape(CHAINS, N_DRAWS, 80, -1)
    y = np.stack([case.design.outcomes[m].values for m in range(len(outcomes))], axis=-1)
    residuals = fit.residuals().values.reshape(expected.shape)
    np.testing.assert_allclose(residuals, y - expected, rtol=1e-12, atol=1e-12)
    share = expected.var(axis=2) / (expected.var(axis=2) + residuals.var(axis=2))
    draws = fit.bayes_r2(summary=False)
    assert draws.dims[:2] == ("chain", "draw")
    np.testing.assert_allclose(draws.values.reshape(share.shape), share, rtol=1e-10)
    table = fit.bayes_r2()
    assert list(table.index) == (["R2"] if len(outcomes) == 1 else ["R2y", "R2zz"])
    np.testing.assert_allclose(table["Estimate"], share.mean(axis=(0, 1)), rtol=1e-10)


def test_a_fit_without_its_model_says_so(cases):
    fit = dataclasses.replace(as_fit(cases["one"]), spec=None)
    with pytest.raises(hm.HmlmError, match="does not hold its model"):
        fit.epred()
    with pytest.raises(hm.HmlmError, match="'epred', 'predict'; did you mean 'epred'"):
        as_fit(cases["one"]).prediction("epredd")
    with pytest.raises(hm.HmlmError, match=r"epred\(dpar=...\)"):
        as_fit(cases["one"]).predict(dpar="sigma")


# --- standard deviations that differ between levels -----------------------------------------------


@pytest.fixture(scope="module")
def between():
    table = made_up_table().assign(age=lambda t: np.array([3.0, -1.0, 0.5, 2.0, -2.0, 0.0])[t.g])
    return Case(hm.bf("y ~ x + (1 + x | c | g)", sigma="~ (1 | c | g)", sd={"g": "~ age"}), table)


def scales_of(case, ages):
    """(len(ages), S) ratios of standard deviations to those of the average level."""
    mean = case.table.groupby("g").age.first().mean()
    gamma = case.posterior["b_sd_g_age"].values.ravel()
    return np.exp((np.asarray(ages) - mean)[:, None] * gamma)


def new_level(case, way, ages):
    """Effects (L, S) of new levels of these ages by block and position, and of ones at the mean age."""
    draws = Draws(case.spec, case.posterior, case.effects, np.arange(S))
    new = [f"n{i}" for i in range(len(ages))]
    (part,) = case.design.sds
    columns = lambda values: {0: np.concatenate([part.matrix, np.array(values)[:, None]]) - part.means}
    own = new_effects(case.spec, draws, 0, new, way, 3, columns(ages))
    return own, new_effects(case.spec, draws, 0, new, way, 3, columns([part.means[0]] * len(ages)))


@pytest.mark.parametrize("way", ["uncertainty", "gaussian", "old_levels"])
def test_effects_of_new_levels_are_as_large_as_their_covariates_say(between, way):
    ages = [4.0, -3.0]
    own, average = new_level(between, way, ages)
    for q, term in enumerate(between.spec.blocks[0].terms):
        location = between.spec.predictors[term.predictor].dpar == "mu"
        ratio = scales_of(between, ages) if location else 1.0
        np.testing.assert_allclose(own[0, q], average[0, q] * ratio, rtol=1e-12)


def test_a_new_level_takes_the_standardised_effects_of_an_old_one(between):
    own, _ = new_level(between, "old_levels", [4.0])
    known = Draws(between.spec, between.posterior, between.effects, np.arange(S)).effect(0, 1)
    old = known / scales_of(between, between.table.groupby("g").age.first())
    gaps = np.abs(own[0, 1] / scales_of(between, [4.0]) - old).max(axis=1)
    assert np.sum(gaps < 1e-12) == 1


def test_new_data_need_the_covariates_of_new_levels_only(between):
    known = pd.DataFrame({"x": [0.3, -0.2], "g": [1, 4]})
    assert between.predict("epred", known).array().sizes["row"] == 2
    new = known.assign(g=[1, 99])
    with pytest.raises(hm.HmlmError, match=r"`sd\(g\) ~ age`: no column 'age'"):
        between.predict("epred", new, allow_new_levels=True)
    small, large = (
        between.predict(
            "epred", new.assign(age=[0.0, age]), allow_new_levels=True, sample_new_levels="gaussian"
        )
        for age in (0.0, 3.0)
    )
    ratio = scales_of(between, [3.0])[0] / scales_of(between, [0.0])[0]
    population = between.predict("epred", new, re_formula="NA").array().values.reshape(S, 2)
    flat = [part.array().values.reshape(S, 2) - population for part in (small, large)]
    np.testing.assert_allclose(flat[1][:, 0], flat[0][:, 0])
    np.testing.assert_allclose(flat[1][:, 1], flat[0][:, 1] * ratio)
