"""Intraclass correlations."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from hmlm.types import HmlmError

from .fixed import fixed_fit, slopes
from .test_var_corr import two_outcomes


def crossed():
    draws = {
        "sd_a__Intercept": [[1, 2]],
        "sd_b__Intercept": [[1, 0]],
        "sd_c__x": [[0, 0]],
        "b_Intercept": [[0, 0]],
        "sigma": [[1, 2]],
    }
    return fixed_fit(draws, {"a": ("1",), "b": ("1",), "c": ("1",)})


def intercepts():
    draws = {name: values for name, values in crossed().posterior.items() if name != "sd_c__x"}
    return fixed_fit({k: v.values for k, v in draws.items()}, {"a": ("1",), "b": ("1",)})


def test_share_of_each_factor():
    frame = intercepts().icc()
    assert list(frame.index) == ["a", "b"]
    np.testing.assert_allclose(frame["Estimate"], [(1 / 3 + 1 / 2) / 2, (1 / 3 + 0) / 2])
    np.testing.assert_allclose(frame["Est.Error"]["a"], (1 / 2 - 1 / 3) / np.sqrt(2))


def test_one_factor():
    assert list(intercepts().icc("b", prob=0.5).index) == ["b"]


def test_several_outcomes():
    frame = two_outcomes().icc()
    assert frame.index.tolist() == [("id", "NAstd"), ("id", "PAstd")]
    expected = [(1 / 2 + 9 / 13) / 2, 4 / 13]
    np.testing.assert_allclose(frame["Estimate"], expected)


def test_slopes_need_the_data():
    with pytest.raises(HmlmError, match="slopes vary by 'id', and their variance needs the data"):
        slopes().icc()


@pytest.mark.parametrize(
    ("group", "message"),
    [("bb", "no grouping factor 'bb'; did you mean 'b'"), ("zzz", "the model has a, b$")],
)
def test_unknown_factor(group, message):
    with pytest.raises(HmlmError, match=message):
        intercepts().icc(group)


def test_sigma_with_a_formula_is_explained(melsm):
    with pytest.raises(HmlmError, match="sigma has a formula: the residual variance differs from row to row"):
        melsm.icc()


def test_no_varying_intercept():
    draws = {"b_Intercept": [[1, 2]], "sigma": [[1, 1]]}
    with pytest.raises(HmlmError, match=r"needs a term such as \(1 \| id\)"):
        fixed_fit(draws).icc()


def test_other_families():
    fit = intercepts()
    other = dataclasses.replace(fit, info=dataclasses.replace(fit.info, family="poisson"))
    with pytest.raises(HmlmError, match="the family poisson needs the model"):
        other.icc()
