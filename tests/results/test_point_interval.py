"""``mean_qi`` and its kin."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

import hmlm as hm

from .fixed import slopes

SKEWED = [0.0, 1.0, 2.0, 4.0, 100.0]


def test_one_column():
    out = hm.mean_qi(pd.DataFrame({"x": np.arange(101.0)}), width=0.9)
    assert list(out.columns) == ["x", ".lower", ".upper", ".width", ".point", ".interval"]
    np.testing.assert_allclose(out.iloc[0, :4].to_numpy(float), [50.0, 5.0, 95.0, 0.9])
    assert out.iloc[0, 4:].tolist() == ["mean", "qi"]


def test_narrowest_interval():
    out = hm.median_hdi(pd.DataFrame({"x": SKEWED}), width=0.8)
    assert out.iloc[0].tolist() == [2.0, 0.0, 4.0, 0.8, "median", "hdi"]


@pytest.mark.parametrize(
    ("summary", "point", "interval"),
    [
        (hm.mean_qi, 21.4, np.quantile(SKEWED, [0.25, 0.75])),
        (hm.median_qi, 2.0, np.quantile(SKEWED, [0.25, 0.75])),
        (hm.mean_hdi, 21.4, [0.0, 2.0]),
        (hm.median_hdi, 2.0, [0.0, 2.0]),
    ],
)
def test_points_and_intervals(summary, point, interval):
    out = summary(pd.Series(SKEWED, name="x"), width=0.5)
    np.testing.assert_allclose(out[["x", ".lower", ".upper"]].to_numpy(float)[0], [point, *interval])


def test_groups_of_draws():
    out = hm.mean_qi(slopes().gather_draws("b_.*"))
    assert out[".variable"].tolist() == ["b_Intercept", "b_x", "b_z"]
    assert out[".value"].tolist() == [25.0, 2.5, 0.0]


def test_levels_and_terms_are_groups_and_keep_their_order():
    frame = slopes().spread_draws("r_id[id, term]", "b_x")
    out = hm.mean_qi(frame, "r_id", width=[0.5, 0.9])
    assert out[["id", "term"]].iloc[:6].to_numpy().tolist() == [
        [level, term] for level in "ab" for term in ("Intercept", "x", "w")
    ]
    assert out[".width"].tolist() == [0.5] * 6 + [0.9] * 6
    assert out["r_id"].iloc[:3].tolist() == [9.0, 10.0, 11.0]
    assert out["id"].dtype == frame["id"].dtype


def test_several_columns():
    frame = slopes().spread_draws("r_id[id, term]", "b_x")
    out = hm.median_qi(frame, by="term")
    assert list(out.columns) == [
        "term",
        *("r_id", "r_id.lower", "r_id.upper"),
        *("b_x", "b_x.lower", "b_x.upper"),
        *(".width", ".point", ".interval"),
    ]
    assert out["b_x"].tolist() == [2.5] * 3


def test_computed_columns_and_whole_numbers():
    frame = pd.DataFrame({"g": [1, 1, 2], "x": [1.0, 3.0, 5.0], "count": [1, 2, 4]})
    assert hm.mean_qi(frame, "x", by="g")["x"].tolist() == [2.0, 5.0]
    assert hm.mean_qi(frame, "count", by="g")["count"].tolist() == [1.5, 4.0]


def test_missing_values_are_not_hidden():
    out = hm.mean_hdi(pd.DataFrame({"x": [1.0, np.nan]}))
    assert out[["x", ".lower", ".upper"]].isna().all(axis=None)


@pytest.mark.parametrize(
    ("data", "columns", "options", "message"),
    [
        ({"val": [1.0]}, ["vall"], {}, "no column 'vall'; did you mean 'val'"),
        ({"val": [1.0]}, [], {"by": "g"}, "no column 'g'"),
        ({"g": ["a"]}, [], {}, "nothing to summarise"),
        ({"x": []}, [], {}, "nothing to summarise"),
        ({"x": [1.0]}, [], {"width": 95}, "width = 95"),
        ([1, 2], [], {}, "a table or a mapping of columns, not list"),
    ],
)
def test_errors_teach(data, columns, options, message):
    with pytest.raises(hm.HmlmError, match=message):
        hm.mean_qi(data, *columns, **options)
