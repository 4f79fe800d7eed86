"""Coefficients of single levels: population level plus group effect."""

from __future__ import annotations

import numpy as np
import pytest

from hmlm.types import HmlmError

from .fixed import effect, fixed_fit, slopes


def test_draws_are_sums():
    draws = slopes().coef(summary=False)["id"]
    assert draws.dims == ("chain", "draw", "id", "term")
    assert list(draws["term"].values) == ["Intercept", "x", "w", "z"]
    values = draws.transpose("chain", "draw", "id", "term").values
    np.testing.assert_array_equal(values[0, 0], [[10, 2, 2, -1], [13, 5, 5, -1]])
    np.testing.assert_array_equal(values[1, 1], [[40 + 18, 4 + 19, 20, 3], [40 + 21, 4 + 22, 23, 3]])


def test_table_is_tidy_and_repeats_what_does_not_vary():
    fit = slopes()
    frame = fit.coef("id", prob=0.5)["id"]
    assert list(frame.columns) == ["level", "term", "Estimate", "Est.Error", "l-50% CI", "u-50% CI"]
    assert list(frame["level"]) == ["a"] * 4 + ["b"] * 4
    assert list(frame["term"]) == ["Intercept", "x", "w", "z"] * 2
    draws = fit.coef(summary=False)["id"].values.reshape(4, 8)
    np.testing.assert_allclose(frame["Estimate"], draws.mean(0))
    np.testing.assert_allclose(frame["Est.Error"], draws.std(0, ddof=1))
    np.testing.assert_allclose(frame["l-50% CI"], np.quantile(draws, 0.25, axis=0))


def test_levels_keep_their_order():
    """Sorting levels as text put 10 before 2."""
    levels = [str(level) for level in range(1, 12)]
    r_id = effect("r_id", "id", levels, ["Intercept"], np.zeros((1, 2, 11, 1)))
    draws = {"sd_id__Intercept": [[1, 1]], "b_Intercept": [[1, 1]], "b_x": [[2, 2]]}
    frame = fixed_fit(draws, {"id": levels}, {"r_id": r_id}).coef()["id"]
    assert list(frame["level"].unique()) == levels
    assert list(frame["Estimate"]) == [1.0, 2.0] * 11


def test_predictors_of_sigma(melsm):
    draws = melsm.coef(summary=False)["id"].sel(term="sigma_Intercept", id="2")
    expected = melsm["b_sigma_Intercept"] + melsm["r_id__sigma"].sel(id="2", term="Intercept")
    np.testing.assert_allclose(draws.values, expected.values)


def test_several_factors(nested):
    found = nested.coef()
    assert list(found) == ["hospital", "hospital:ward"]
    assert list(found["hospital:ward"]["term"][:2]) == ["Intercept", "age"]
    age = found["hospital:ward"].query("term == 'age'")["Estimate"]
    np.testing.assert_allclose(age, nested["r_hospital:ward"].sel(term="age").mean(("chain", "draw")))


def test_errors(nested, outcomes):
    with pytest.raises(HmlmError, match="no grouping factor 'ward'"):
        nested.coef("ward")
    with pytest.raises(HmlmError, match="no group effects"):
        fixed_fit({"b_Intercept": [[1, 2]], "sigma": [[1, 1]]}).coef()
