"""Comparisons of models: the numbers by their definitions, and what is refused."""

from __future__ import annotations

import dataclasses
import warnings

import numpy as np
import pytest
import xarray as xr

import hmlm as hm
from hmlm.results.elpd import Elpd
from hmlm.results.stacking import stacking_weights

from ..helpers import even

SETTINGS = {"chains": 4, "warmup": 500, "draws": 1000, "seed": 1, "target_accept": 0.95, "progress": False}
N = 200


def made_up(shift: float, seed: int, method: str = "loo") -> Elpd:
    rng = np.random.default_rng(seed)
    observed = xr.Dataset({"y": ("row", np.arange(float(N)))}, {"row": np.arange(N)})
    elpd_i = shift + rng.normal(-1.0, 0.5, N)
    return Elpd(method, "row", tuple(range(N)), elpd_i, np.full(N, 0.02), np.full(N, 0.1), 4000, 9, observed)


def test_differences_are_taken_unit_by_unit():
    a, b, c = made_up(0.0, 1), made_up(0.3, 2), made_up(-0.2, 3)
    table = hm.compare({"a": a, "b": b, "c": c}).table
    assert list(table.index) == ["b", "a", "c"]
    difference = a.elpd_i - b.elpd_i
    np.testing.assert_allclose(table.loc["a", "elpd_diff"], difference.sum())
    np.testing.assert_allclose(table.loc["a", "se_diff"], np.sqrt(N) * difference.std(ddof=1))
    assert tuple(table.loc["b", ["elpd_diff", "se_diff"]]) == (0.0, 0.0)


def test_stacking_weights_satisfy_the_conditions_of_the_optimum():
    elpd_i = np.stack([made_up(shift, i).elpd_i for i, shift in enumerate((0.0, 0.1, -0.8, 0.05))], axis=1)
    w = stacking_weights(elpd_i)
    slope = np.mean(
        np.exp(elpd_i) / (np.exp(elpd_i) @ w)[:, None], axis=0
    )  # 1 where used, at most 1 elsewhere
    np.testing.assert_allclose(w.sum(), 1.0)
    np.testing.assert_allclose(slope[w > 1e-4], 1.0, atol=1e-4)
    assert np.all(slope < 1 + 1e-4)


def test_stacking_finds_the_better_of_two():
    elpd_i = np.array([[-1.0, -2.0]] * 9 + [[-2.0, -1.0]])
    p, e = 0.9, np.exp(1.0)
    best = np.clip(
        (p * e - (1 - p)) / (e - 1), 0, 1
    )  # where d/dw [p log(1 + w(e-1)) + (1-p) log(e - w(e-1))] = 0
    np.testing.assert_allclose(stacking_weights(elpd_i), [best, 1 - best], atol=1e-5)


def test_small_differences_and_few_units_are_said():
    a = made_up(0.0, 1)
    b = dataclasses.replace(a, elpd_i=a.elpd_i - 0.01)
    assert "'a' and 'b' differ by less than 4" in hm.compare({"b": b, "a": a}).notes[0]
    rng = np.random.default_rng(0)
    unsure = dataclasses.replace(a, elpd_i=a.elpd_i - 0.04 + rng.normal(0, 1, N) - 0.05)
    assert "differ by less than two se_diff" in " ".join(hm.compare({"a": a, "b": unsure}).notes)


def test_bad_khat_is_warned_about():
    a, b = made_up(0.0, 1), made_up(0.3, 2)
    bad = dataclasses.replace(b, khat=np.where(np.arange(N) < 3, 0.9, 0.1))
    with pytest.warns(hm.ComparisonWarning, match=r"'b': k-hat is above 0.70 for 3 of 200 rows.*fit.loo\(\)"):
        found = hm.compare({"a": a, "b": bad})
    assert found.table["bad_k"].tolist() == [3, 0]


def test_print():
    a = made_up(0.0, 1)
    b = dataclasses.replace(a, elpd_i=a.elpd_i - np.linspace(0, 1, N))
    lines = repr(hm.compare({"b": b, "a": a})).splitlines()
    assert lines[0] == "loo, 200 rows left out"
    assert lines[2].split() == ["elpd_diff", "se_diff", "weight", "elpd", "se", "p", "ic", "bad_k"]
    assert lines[3].split()[:4] == ["a", "0.0", "0.0", "1.00"]
    assert lines[4].split()[:3] == ["b", "-100.0", "4.1"]


def other_values(elpd: Elpd) -> Elpd:
    return dataclasses.replace(elpd, observed=np.exp(elpd.observed))


def fewer_rows(elpd: Elpd) -> Elpd:
    return dataclasses.replace(elpd, observed=elpd.observed.isel(row=slice(3, None)))


def other_outcome(elpd: Elpd) -> Elpd:
    return dataclasses.replace(elpd, observed=elpd.observed.rename(y="z"))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (other_values, "'a' and 'b' have other values of the outcome 'y'"),
        (fewer_rows, "'a' and 'b' were fitted to 200 and 197 rows, 3 of them in one model only"),
        (other_outcome, "different outcomes, y and z"),
        (lambda elpd: dataclasses.replace(elpd, method="waic"), "loo of rows and waic of rows"),
        (lambda elpd: dataclasses.replace(elpd, unit="g"), "loo of rows and loo of levels of g"),
        (lambda elpd: dataclasses.replace(elpd, labels=("1",) * N), "different levels of 'row'"),
    ],
)
def test_what_does_not_compare_is_refused(change, message):
    with pytest.raises(hm.HmlmError, match=message):
        hm.compare({"a": made_up(0.0, 1), "b": change(made_up(0.0, 2))})


@pytest.mark.parametrize("fits", [[made_up(0.0, 1)], {"a": made_up(0.0, 1)}, {"a": made_up(0.0, 1), "b": 3}])
def test_what_is_no_mapping_of_fits_is_refused(fits):
    with pytest.raises(hm.HmlmError, match="compare: "):
        hm.compare(fits)


def test_fits_are_compared_by_row_and_by_group():
    data = even(0)
    fits = {
        "line": hm.fit("y ~ x + (1 | g)", data, **SETTINGS),
        "flat": hm.fit("y ~ 1 + (1 | g)", data, **SETTINGS),
    }
    for group, n in ((None, 60), ("g", 6)):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", hm.ComparisonWarning)
            found = hm.compare(fits, group=group)
            wanted = fits["line"].loo(group)
        assert list(found.table.index) == ["line", "flat"]
        assert found.table.loc["line", "elpd"] == wanted.elpd
        assert found.title.startswith(f"loo, {n} ")


@pytest.mark.data
@pytest.mark.nightly
def test_the_gpa_models_are_ranked_with_standard_errors():
    data = hm.load_dataset("gpa")
    formulas = {
        "level": "gpa ~ occasion + (1 | student)",
        "trend": "gpa ~ occasion + (1 + occasion | student)",
        "uncorrelated": "gpa ~ occasion + (1 + occasion || student)",
    }
    fits = {
        name: hm.fit(formula, data, seed=2, chains=4, warmup=500, draws=500)
        for name, formula in formulas.items()
    }
    found = hm.compare(fits, group="student")
    table = found.table
    assert table.index[-1] == "level"
    assert table.loc["level", "elpd_diff"] < -4 * table.loc["level", "se_diff"]
    top = table.drop(index="level")
    assert np.all(
        np.abs(top["elpd_diff"]) < 4
    )  # lme4's AIC: 269.79 and 272.96, hardly apart; 416.89 the other
    assert table["bad_k"].sum() == 0
    assert np.all((table["se"] > 15) & (table["se"] < 40))
