"""Linear combinations of parameters."""

from __future__ import annotations

import numpy as np
import pytest

from hmlm.types import HmlmError

from .fixed import slopes


def test_weights_and_text_agree():
    found = slopes().contrasts(
        {"weights": {"b_x": 1, "b_z": -1}, "text": "b_x - b_z", "short": "x - z"}, prob=0.5
    )
    draws = np.array([2, 3, 4, 1])
    expected = [draws.mean(), draws.std(ddof=1), *np.quantile(draws, [0.25, 0.75])]
    assert list(found.index) == ["weights", "text", "short"]
    assert list(found.columns) == ["Estimate", "Est.Error", "l-50% CI", "u-50% CI"]
    np.testing.assert_allclose(found.to_numpy(), [expected] * 3)


def test_text_alone():
    assert list(slopes().contrasts("x - z").index) == ["x - z"]
    assert list(slopes().contrasts(["x", "2*Intercept + x"])["Estimate"]) == [2.5, 52.5]


def test_any_parameter_has_a_weight():
    found = slopes().contrasts({"a": {"r_id[a,x]": 2, "x": 1.0, "sigma": np.float32(0.5)}})
    expected = 2 * np.array([1, 7, 13, 19]) + [1, 2, 3, 4] + 0.5 * 2
    assert found["Estimate"].iloc[0] == expected.mean()


@pytest.mark.parametrize(
    ("combinations", "message"),
    [
        ({"a": {"b_xx": 1}}, "no parameter 'b_xx'; did you mean 'b_x'"),
        ({"a": {"b_x": "1"}}, "the weight of 'b_x' is '1'"),
        ({"a": {"b_x": np.nan}}, "finite numbers"),
        ({"a": 3}, "contrast 'a': give weights"),
        ({"a": {}}, "contrast 'a': give weights"),
        ({}, "one contrast or more"),
        ([1], "contrast '1': give weights"),
    ],
)
def test_errors_teach(combinations, message):
    with pytest.raises(HmlmError, match=message):
        slopes().contrasts(combinations)
