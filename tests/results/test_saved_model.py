"""A loaded fit is a fit: the same design, spec and answers as before it was saved."""

from __future__ import annotations

import dataclasses
import json
import warnings
from functools import cache

import numpy as np
import pandas as pd
import pytest
import xarray as xr

import hmlm as hm
from hmlm.formula.bf import as_model_formula
from hmlm.formula.design import build_design
from hmlm.results.columns import pack, table_hash, unpack
from hmlm.types import DataWarning, Design, HmlmError
from tests.fake_sampling import FakeSampler
from tests.helpers import DESIGNS, even

from ..nights import by_night

N = 40
RNG = np.random.default_rng(3)
TABLE = pd.DataFrame(
    {
        "y": RNG.normal(size=N),
        "v.std": RNG.normal(size=N),
        "big": 2**60 + np.arange(N),
        "unsigned": np.full(N, 2**64 - 1, dtype=np.uint64) - np.arange(N, dtype=np.uint64),
        "small": RNG.integers(-3, 4, N).astype(np.int8),
        "half": RNG.normal(size=N).astype(np.float16),
        "single": RNG.normal(size=N).astype(np.float32),
        "x": RNG.uniform(1, 9, N),
        "flag": RNG.random(N) < 0.5,
        "maybe": pd.array(RNG.random(N) < 0.5, dtype="boolean"),
        "count": pd.array(np.arange(N) % 5, dtype="Int64"),
        "text": np.array(["b", "A", "a", "\N{GREEK SMALL LETTER MU}\0"])[np.arange(N) % 4],
        "string": pd.array(np.array(["u/v", "w", " "])[np.arange(N) % 3], dtype="string"),
        "grade": pd.Categorical.from_codes(np.arange(N) % 3, ["low", "mid", "high", "never"], ordered=True),
        "numbered": pd.Categorical(np.arange(N) % 4, categories=[3, 0, 2, 1]),
        "when": pd.date_range("2020-02-28", periods=N // 2).repeat(2),
        "lasting": pd.to_timedelta(np.arange(N) % 6, unit="h"),
        "mixed": pd.Series(np.array([True, "x", "TRUEST"], dtype=object)[np.arange(N) % 3]),
        "id": RNG.permutation(N) % 7,
        "ward": np.arange(N) % 3,
        "a / b.": RNG.normal(size=N),
    }
)
COLUMNS = [str(name) for name in TABLE.columns]


@pytest.fixture
def sampler(monkeypatch) -> FakeSampler:
    fake = FakeSampler()
    monkeypatch.setattr("hmlm.api.sample", fake)
    return fake


@pytest.fixture(autouse=True)
def quiet():
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", hm.SamplingWarning)
        yield


def quick(model: hm.Model, **settings) -> hm.Fit:
    return model.fit(**{"chains": 2, "draws": 5, "warmup": 5, "seed": 3, **settings})


@cache
def made(name: str, draws: int = 5) -> hm.Fit:
    """The fit of a design, made once."""
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr("hmlm.api.sample", FakeSampler())
        return quick(DESIGNS[name].model(), draws=draws)


def reloaded(fit: hm.Fit, folder, **options) -> hm.Fit:
    fit.save(folder / "fit.nc", **options)
    return hm.load_fit(folder / "fit.nc")


def assert_same_design(one: Design, other: Design) -> None:
    assert one.formula == other.formula and one.n_dropped == other.n_dropped
    np.testing.assert_array_equal(one.rows, other.rows)
    for a, b in zip(one.outcomes, other.outcomes, strict=True):
        assert (a.name, a.column) == (b.name, b.column)
        np.testing.assert_array_equal(a.values, b.values)
    for a, b in zip(one.factors, other.factors, strict=True):
        assert (a.name, a.columns, a.levels) == (b.name, b.columns, b.levels)
        np.testing.assert_array_equal(a.index, b.index)
    for a, b in zip(one.predictors, other.predictors, strict=True):
        assert (a.response, a.dpar) == (b.response, b.dpar)
        for p, q in [(a.population, b.population), *zip(a.groups, b.groups, strict=True)]:
            assert p.names == q.names
            np.testing.assert_array_equal(p.matrix, q.matrix)


# --- the table ------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", COLUMNS)
def test_columns_come_back(name, tmp_path):
    dataset, columns = pack(TABLE[[name]])
    dataset.to_netcdf(tmp_path / "x.nc", engine="h5netcdf")
    back = unpack(xr.load_dataset(tmp_path / "x.nc", engine="h5netcdf"), columns)
    assert list(back) == [name]
    assert table_hash(back) == table_hash(TABLE[[name]])
    before, after = TABLE[name], back[name]
    if columns[0].kind == "number":
        assert after.dtype == {"float16": "float32", "boolean": "bool", "Int64": "int64"}.get(
            str(before.dtype), before.dtype
        )
        np.testing.assert_array_equal(after.to_numpy(), before.to_numpy(dtype=after.dtype))


def rebuilt(design: Design) -> Design:
    """The design of the table as a file holds it."""
    return build_design(design.formula, unpack(*pack(design.table)))


@pytest.mark.parametrize("name", ["flag", "maybe", "text", "string", "grade", "numbered"])
def test_categories_have_the_same_columns(name):
    design = build_design(as_model_formula(f"y ~ {name} * x + (1 | id)"), TABLE)
    assert_same_design(rebuilt(design), design)


@pytest.mark.parametrize("name", [*COLUMNS[2:10], *COLUMNS[11:19]])
def test_any_column_groups(name):
    table = TABLE.assign(big=TABLE["big"] // 8, x=TABLE["x"].round(), unsigned=TABLE["unsigned"] // 8)
    design = build_design(as_model_formula(f"v.std ~ 1 + (1 | {name}) + (1 | ward:{name})"), table)
    assert_same_design(rebuilt(design), design)


FORMULAS = {
    "stateful": "y ~ poly(x, 2) + bs(single, df = 4) + scale(small) + center(count) + (1 + scale(x) | id)",
    "functions": "log(x) ~ I(y^2) + exp(v.std):grade + factor(ward, levels = c(2, 0, 1)) + (1 | id)",
    "nested": "y ~ flag + (1 + x | id/ward)",
    "no intercept": "y ~ 0 + Intercept + x + (0 + x || id)",
    "quoted": "y ~ `a / b.` + (1 | id)",
    "outcomes": [hm.bf("y ~ x + (1 |c| id)", sigma="~ flag"), hm.bf("v.std ~ (1 |c| id)"), hm.set_rescor()],
    "uncentred": hm.bf("y ~ x + (1 | id)", center=False),
}


@pytest.mark.parametrize("name", FORMULAS)
def test_formulas_come_back(name, sampler, tmp_path):
    fit = quick(hm.model(FORMULAS[name], TABLE))
    back = reloaded(fit, tmp_path)
    assert_same_design(back.design, fit.design)
    assert back.spec == fit.spec and back.statement == fit.statement
    for ours, theirs in zip(fit.design.predictors, back.design.predictors, strict=True):
        new = TABLE.iloc[[5, 3, 11]]
        np.testing.assert_array_equal(theirs.population.rebuild(new), ours.population.rebuild(new))


def test_incomplete_rows_keep_their_places(sampler, tmp_path):
    table = TABLE.assign(y=TABLE["y"].mask(TABLE.index.isin([0, 7, 8])), spare=np.nan)
    with pytest.warns(DataWarning, match="dropped 3"):
        fit = quick(hm.model("y ~ count + (1 | id)", table))
    with warnings.catch_warnings():
        warnings.simplefilter("error", DataWarning)
        back = reloaded(fit, tmp_path)
    assert_same_design(back.design, fit.design)
    assert back.design.n_dropped == 3 and 7 not in back.design.rows
    assert str(back) == str(fit)


# --- the statement --------------------------------------------------------------------------------


def test_priors_and_settings_come_back(sampler, tmp_path):
    fit = quick(DESIGNS["priors"].model(), target_accept=0.9, seed=np.int64(5))
    back = reloaded(fit, tmp_path)
    assert back.spec == fit.spec
    assert back.statement == fit.statement
    assert back.statement.settings.target_accept == 0.9 and back.info.seed == 5


def test_density_by_block_comes_back(sampler, tmp_path):
    fit = quick(hm.model("y ~ x + (1 | id) + (1 | ward)", TABLE, density={"id": "noncentered"}))
    assert reloaded(fit, tmp_path).statement.density == {"id": "noncentered"}


ONES = np.ones((N, 1))
FACTORIES = {
    "melsm": lambda: hm.melsm(
        TABLE[["x", "small"]], np.column_stack([ONES, TABLE["x"]]), ONES, ONES, TABLE["text"], TABLE["y"]
    ),
    "multivariate": lambda: hm.multivariate(TABLE[["x"]], ONES, TABLE["id"], TABLE[["y", "v.std"]]),
    "arrays": lambda: hm.correlated_varying_intercept_slope(
        np.column_stack([ONES, TABLE["x"]]), TABLE["id"].to_numpy(), TABLE["y"].to_numpy()
    ),
}


@pytest.mark.parametrize("name", FACTORIES)
def test_factories_come_back(name, sampler, tmp_path):
    fit = quick(FACTORIES[name]())
    back = reloaded(fit, tmp_path)
    assert back.spec == fit.spec
    assert_same_design(back.design, fit.design)


# --- what a loaded fit can do ---------------------------------------------------------------------

CASES = ("correlated", "crossed", "nested", "scale", "outcomes", "rescor_scale", "uneven", "without_groups")


@pytest.mark.parametrize("name", by_night(CASES, "crossed", "scale", "outcomes", "without_groups"))
def test_log_likelihood_after_loading(name, tmp_path):
    fit = made(name)
    back = reloaded(fit, tmp_path)
    xr.testing.assert_allclose(back.log_lik(), fit.log_lik(), rtol=1e-10)
    for factor in fit.spec.factors:
        xr.testing.assert_allclose(
            back.log_lik(factor.name, 4), fit.log_lik(factor.name, 4), rtol=1e-10, atol=1e-10
        )


@pytest.mark.parametrize("name", by_night(["crossed", "scale", "outcomes"], "crossed"))
def test_leave_one_out_after_loading(name, tmp_path, monkeypatch):
    """Both read their rows in blocks, of which there are several."""
    fit = made(name, 50)
    back = reloaded(fit, tmp_path)
    monkeypatch.setattr(hm.results.loo, "NUMBERS_AT_A_TIME", 7 * 2 * fit.n_draws)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", hm.ComparisonWarning)
        for call in ("loo", "waic"):
            fresh, again = getattr(fit, call)(), getattr(back, call)()
            np.testing.assert_allclose(again.pointwise, fresh.pointwise, rtol=1e-10, atol=1e-10)
        group = fit.spec.factors[0].name
        fresh, again = fit.loo(group, samples=4), back.loo(group, samples=4)
        np.testing.assert_allclose(again.pointwise, fresh.pointwise, rtol=1e-10, atol=1e-10)
        xr.testing.assert_allclose(back.loo_pit(), fit.loo_pit(), rtol=1e-10, atol=1e-10)


def test_a_loaded_fit_never_has_all_rows_of_all_draws(tmp_path, monkeypatch):
    back = reloaded(made("crossed"), tmp_path)
    monkeypatch.setattr(hm.results.loo, "NUMBERS_AT_A_TIME", 7 * back.n_draws)
    blocks = list(hm.results.loo.blocks_of(back, cdf=False))
    assert [block.log_lik.shape for block in blocks[:-1]] == [(7, 10)] * (len(blocks) - 1)
    assert sum(len(block.log_lik) for block in blocks) == back.design.n_rows


def test_log_likelihood_does_not_need_the_pilot_of_the_run(tmp_path, monkeypatch):
    """Coordinates depend on the pilot estimate, which another version or machine may find elsewhere."""
    fit = made("uneven")
    expected = fit.log_lik()
    fit.save(tmp_path / "fit.nc")
    found = hm.results.stored.fit_pilot

    def another(spec, design):
        pilot = found(spec, design)
        parts = [dataclasses.replace(w, beta=w.beta + 0.2) for w in pilot.working]
        return dataclasses.replace(pilot, working=tuple(parts), log_sigma=pilot.log_sigma + 0.3)

    monkeypatch.setattr("hmlm.results.stored.fit_pilot", another)
    xr.testing.assert_allclose(hm.load_fit(tmp_path / "fit.nc").log_lik(), expected, rtol=1e-8)


@pytest.mark.parametrize("name", ["correlated", "crossed", "nested", "outcomes"])
def test_integrated_effects_need_no_room_in_the_file(name, tmp_path):
    fit = made(name)
    back = reloaded(fit, tmp_path, effects=False)
    assert set(back.effects) == set(fit.effects)
    for effect, array in fit.effects.items():
        xr.testing.assert_allclose(back.effects[effect], array, rtol=1e-6, atol=1e-8)
    xr.testing.assert_allclose(back.log_lik(), fit.log_lik(), rtol=1e-6)


def test_sampled_effects_do(tmp_path):
    fit = made("scale")
    back = reloaded(fit, tmp_path, effects=False)
    assert_same_design(back.design, fit.design)
    with pytest.raises(HmlmError, match="saved without group effects"):
        back.ranef()


def test_saving_a_loaded_fit_changes_nothing(tmp_path):
    fit = made("scale")
    once = reloaded(fit, tmp_path)
    twice = reloaded(once, tmp_path)
    assert twice.statement == fit.statement and twice.info == fit.info
    xr.testing.assert_equal(twice.posterior, fit.posterior)
    assert_same_design(twice.design, fit.design)


# --- facts and formats ----------------------------------------------------------------------------


def test_data_hash_is_of_the_outcomes(sampler):
    hashes = {
        name: quick(hm.model(formula, data)).info.data_hash
        for name, formula, data in [
            ("one", "y ~ x + (1 | g)", even(0)),
            ("other predictors", "y ~ 1 + (1 | h)", even(0)),
            ("other outcome", "t ~ x + (1 | g)", even(0)),
            ("other rows", "y ~ x + (1 | g)", even(0).iloc[1:]),
            ("other data", "y ~ x + (1 | g)", even(1)),
        ]
    }
    assert hashes["one"] == hashes["other predictors"] and hashes["one"]
    assert len(set(hashes.values())) == 4


def test_files_of_format_1_load(tmp_path):
    """As hmlm 0.1 wrote them: no statement, no table, no hash of the data."""
    path = tmp_path / "fit.nc"
    fit = made("correlated")
    fit.save(path)
    tree = xr.load_datatree(path, engine="h5netcdf").drop_nodes("hmlm_data")
    info = json.loads(tree.attrs["hmlm"])["info"]
    del info["data_hash"]
    tree.attrs["hmlm"] = json.dumps({"format": 1, "info": info})
    tree.to_netcdf(path, engine="h5netcdf")
    back = hm.load_fit(path)
    assert str(back) == str(fit) and back.design is None and back.info.data_hash == ""
    assert set(back.effects) == set(fit.effects)
    with pytest.raises(HmlmError, match="does not hold"):
        back.log_lik()
    with pytest.raises(HmlmError, match="does not know its model"):
        back.update(". ~ . + w")
