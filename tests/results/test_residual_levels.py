"""Residual standard deviations by the levels of factors, from draws that are written down."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

import hmlm as hm
from hmlm.results import Fit
from hmlm.types import HmlmError

from .fixed import fixed_fit

DATA = pd.DataFrame(
    {
        "y": [1.0, 2.0, 4.0, 3.0, 7.0, 5.0, 1.5, 2.5],
        "f": ["b", "a", "b", "a", "c", "c", "a", "b"],
        "k": [0, 1, 1, 0, 0, 1, 1, 0],
        "x": np.arange(8.0),
        "g": list("uvuvuvuv"),
    }
)


def fit_of(sigma: str, draws: dict) -> Fit:
    """A fit of one outcome with a formula for sigma, holding these draws."""
    stated = hm.model(hm.bf("y ~ 1", sigma=sigma), DATA)
    return replace(fixed_fit({"b_Intercept": [[0, 0]], **draws}), spec=stated.spec, design=stated.design)


CELL_MEANS = {
    "b_sigma_fa": [[np.log(1), np.log(3)]],
    "b_sigma_fb": [[np.log(2), np.log(3)]],
    "b_sigma_fc": [[np.log(4), np.log(6)]],
}


def test_a_row_per_level_with_the_ratio_to_the_first():
    table = fit_of("~ 0 + f", CELL_MEANS).residual_sd(prob=0.5)
    assert list(table["level"]) == ["a", "b", "c"]
    np.testing.assert_allclose(table["Estimate"], [2, 2.5, 5])
    np.testing.assert_allclose(table["u-50% CI"], [2.5, 2.75, 5.5])
    np.testing.assert_allclose(table["variance"], [5, 6.5, 26])
    np.testing.assert_allclose(table["relative"], [1, 1.5, 3])


def test_an_intercept_and_contrasts_give_the_same():
    draws = {
        "b_sigma_Intercept": [[np.log(1), np.log(3)]],
        "b_sigma_fb": [[np.log(2), 0]],
        "b_sigma_fc": [[np.log(4), np.log(2)]],
    }
    wanted = fit_of("~ 0 + f", CELL_MEANS).residual_sd()
    pd.testing.assert_frame_equal(fit_of("~ f", draws).residual_sd(), wanted)


def test_two_factors_give_the_combinations_that_occur():
    draws = {"b_sigma_Intercept": [[0, 0]], **{f"b_sigma_{n}": [[1, 1]] for n in ("fb", "fc", "k")}}
    table = fit_of("~ f + k", draws).residual_sd()
    assert list(table["level"]) == ["a_0", "a_1", "b_0", "b_1", "c_0", "c_1"]
    np.testing.assert_allclose(np.log(table["Estimate"]), [0, 1, 1, 2, 1, 2])


def test_var_corr_prints_a_row_per_level():
    found = fit_of("~ 0 + f", CELL_MEANS).var_corr()
    assert found.sd[["group", "term"]].to_numpy().tolist() == [["Residual", c] for c in "abc"]
    np.testing.assert_allclose(found.cov["Estimate"], [5, 6.5, 26])
    np.testing.assert_allclose(found.to_frame()["vcov"], [5, 6.5, 26])
    assert "No residual standard deviation" not in repr(found)


def test_a_constant_sigma_has_one_row():
    table = fixed_fit({"b_Intercept": [[0, 0]], "sigma": [[1, 3]]}).residual_sd()
    np.testing.assert_allclose(table[["Estimate", "variance", "relative"]], [[2, 5, 1]])


@pytest.mark.parametrize("sigma", ["~ x", "~ f + x", "~ f + (1 | g)", "~ f + offset(x)"])
def test_what_has_no_levels_says_so(sigma):
    stated = hm.model(hm.bf("y ~ 1", sigma=sigma), DATA)
    fit = replace(fixed_fit({"b_Intercept": [[0, 0]]}), spec=stated.spec, design=stated.design)
    with pytest.raises(HmlmError, match="one standard deviation per level"):
        fit.residual_sd()
    assert "No residual standard deviation" in repr(fit.var_corr())
