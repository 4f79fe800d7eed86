"""Draws as long and wide tables."""

from __future__ import annotations

import numpy as np
import pytest

from hmlm.types import HmlmError

from .fixed import effect, fixed_fit, slopes


def melsm_like():
    """Effects on the mean and on sigma, whose terms differ, of three levels."""
    levels = ("1", "2", "10")
    r_id = effect("r_id", "id", levels, ("Intercept", "x"), np.arange(12).reshape(1, 2, 3, 2))
    r_sigma = effect("r_id__sigma", "id", levels, ("Intercept",), 100 + np.arange(6).reshape(1, 2, 3, 1))
    draws = {"sd_id__Intercept": [[1, 2]], "b_Intercept": [[5, 6]], "b_steps.pm": [[7, 8]]}
    return fixed_fit(draws, {"id": levels}, {"r_id": r_id, "r_id__sigma": r_sigma})


# --- wide -----------------------------------------------------------------------------------------


def test_spread_scalars():
    frame = slopes().spread_draws("b_x", "sigma")
    assert list(frame.columns) == [".chain", ".iteration", ".draw", "b_x", "sigma"]
    assert frame.to_numpy().tolist() == [
        [0, 0, 0, 1, 2],
        [0, 1, 1, 2, 2],
        [1, 0, 2, 3, 2],
        [1, 1, 3, 4, 2],
    ]


def test_spread_joins_on_draw_and_index():
    frame = melsm_like().spread_draws("b_Intercept", "r_id[person, term]")
    assert list(frame.columns) == [".chain", ".iteration", ".draw", "person", "term", "b_Intercept", "r_id"]
    assert len(frame) == 2 * 3 * 2
    chosen = frame.query("person == '10' and term == 'x'")
    assert chosen[[".draw", "b_Intercept", "r_id"]].to_numpy().tolist() == [[0, 5, 5], [1, 6, 11]]


def test_spread_keeps_what_all_have():
    frame = melsm_like().spread_draws("r_id[id, term]", "r_id__sigma[id, term]")
    assert frame["term"].unique().tolist() == ["Intercept"]
    assert frame["r_id"].tolist() == [0, 2, 4, 6, 8, 10]
    assert frame["r_id__sigma"].tolist() == [100, 101, 102, 103, 104, 105]


def test_indices_have_their_own_names_and_the_levels_order():
    frame = melsm_like().spread_draws("r_id")
    assert list(frame.columns[3:]) == ["id", "term", "r_id"]
    assert list(frame["id"].cat.categories) == ["1", "2", "10"]


def test_swapped_names_of_indices():
    frame = melsm_like().spread_draws("r_id[term, id]")
    assert frame["term"].unique().tolist() == ["1", "2", "10"]
    assert frame["id"].unique().tolist() == ["Intercept", "x"]


def test_different_names_make_all_pairs():
    frame = melsm_like().spread_draws("r_id[i, term]", "r_id__sigma[j, term]")
    assert len(frame) == 2 * 3 * 3


# --- long -----------------------------------------------------------------------------------------


def test_gather_by_pattern():
    frame = slopes().gather_draws("b_.*", "sigma")
    assert list(frame.columns) == [".chain", ".iteration", ".draw", ".variable", ".value"]
    assert frame[".variable"].unique().tolist() == ["b_Intercept", "b_x", "b_z", "sigma"]
    assert frame.groupby(".variable", observed=True)[".value"].sum().tolist() == [100, 10, 0, 8]


def test_gather_indices():
    frame = melsm_like().gather_draws("b_Intercept", "r_id[id, term]", "r_id__sigma[id, term]")
    assert list(frame.columns[3:]) == ["id", "term", ".variable", ".value"]
    assert frame[".variable"].value_counts(sort=False).tolist() == [2, 12, 6]
    assert frame["id"].isna().sum() == 2
    chosen = frame[(frame[".variable"] == "r_id__sigma") & (frame["id"] == "10")]
    assert chosen[".value"].tolist() == [102, 105]


def test_a_pattern_of_effects():
    frame = melsm_like().gather_draws("r_id.*[id, term]")
    assert frame[".variable"].unique().tolist() == ["r_id", "r_id__sigma"]


def test_brackets_of_a_pattern():
    assert slopes().gather_draws("b_[xz]")[".variable"].unique().tolist() == ["b_x", "b_z"]


def test_variables_come_once():
    assert list(slopes().spread_draws("b_x", "b_.*").columns[3:]) == ["b_x", "b_Intercept", "b_z"]


def test_effects_are_not_made_for_other_variables(melsm):
    melsm.gather_draws("b_.*", "s.*")
    assert melsm.effects_fn.calls == 0


@pytest.mark.parametrize(
    ("variables", "message"),
    [
        (["b_steps.pn"], "no variable 'b_steps.pn'; did you mean 'b_steps.pm'"),
        (["r_idd"], "no variable 'r_idd'; did you mean 'r_id'"),
        (["zz.*"], "no variable matches `zz.*`; there are sd_id__Intercept, b_Intercept"),
        (["b_("], "no regular expression"),
        (["r_id[id]"], r"'r_id' has 2 indices \(id, term\)"),
        (["b_Intercept[id]"], r"'b_Intercept' has 0 indices \(none\)"),
        (["r_id[id, id]"], "names for columns"),
        (["r_id[id, ]"], "names for columns"),
        (["r_id[.draw, term]"], "names for columns"),
        ([], "name the variables"),
        ([3], "name the variables"),
    ],
)
def test_errors_teach(variables, message):
    for method in (melsm_like().spread_draws, melsm_like().gather_draws):
        with pytest.raises(HmlmError, match=message):
            method(*variables)
