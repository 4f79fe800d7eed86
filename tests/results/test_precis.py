"""``precis``: its numbers, its histograms, and what seed 000 prints."""

from __future__ import annotations

import os

import numpy as np
import pandas as pd
import pytest

import hmlm as hm
from hmlm.results.precis import histogram, round_edges

SEED_000 = """
id        98.61029694 63.7493291 10.00000000 207.0000000   ▇▇▇▃▅▅▅▃▃▃▂▂
female     0.57016803  0.4950710  0.00000000   1.0000000     ▅▁▁▁▁▁▁▁▁▇
PA.std     0.01438236  1.0241384 -1.68129708   1.7514660       ▁▁▃▇▇▃▁▁
day       44.17962096 27.6985612  6.00000000  92.0000000     ▇▇▇▇▅▅▅▃▃▃
PA_lag     0.01992587  1.0183833 -1.72043510   1.7170361     ▁▂▃▅▇▇▅▃▂▁
NA_lag    -0.04575229  0.9833161 -0.87507181   1.9904675 ▇▃▂▁▁▁▁▁▁▁▁▁▁▁
steps.pm   0.05424387  0.6298941 -1.02580678   1.0113559       ▁▂▇▇▃▁▁▁
steps.pmd  0.02839160  0.7575395 -1.12359512   1.2299739 ▁▁▇▇▁▁▁▁▁▁▁▁▁▁
NA.std    -0.07545093  0.9495660 -1.04842926   1.8110607     ▁▁▁▇▂▁▁▁▁▁
day01      0.43040430  0.2826384  0.04081633   0.9183673     ▇▇▇▇▅▅▅▃▃▃
"""


@pytest.mark.data
@pytest.mark.skipif(not os.environ.get("HMLM_DATA_DIR"), reason="HMLM_DATA_DIR is not set")
def test_what_the_seed_prints():
    d = hm.load_dataset("williams")
    d["day01"] = (d["day"] - 2) / (d["day"] - 2).max()
    found = hm.precis(d)
    for line in SEED_000.strip().splitlines():
        name, *numbers, bars = line.split()
        row = found.loc[name]
        np.testing.assert_allclose(row.iloc[:4].to_numpy(float), [float(n) for n in numbers], atol=5e-8)
        assert row["histogram"] == bars, name


def test_columns():
    found = hm.precis({"x": [1.0, 2.0, 3.0, 4.0, np.nan], "flag": [True, False, True, True, True]}, prob=0.5)
    assert list(found.columns) == ["mean", "sd", "25%", "75%", "histogram"]
    np.testing.assert_allclose(
        found.loc["x"].iloc[:4].to_numpy(float), [2.5, np.std([1, 2, 3, 4], ddof=1), 1.75, 3.25]
    )
    assert found.loc["flag", "mean"] == 0.8


def test_text_and_dates_have_no_numbers():
    found = hm.precis(pd.DataFrame({"s": ["a", "b"], "t": pd.to_datetime(["2020-01-01", "2021-01-01"])}))
    assert found.drop(columns="histogram").isna().all(axis=None)
    assert found["histogram"].tolist() == ["", ""]


def test_missing_and_infinite_values_are_left_out():
    found = hm.precis({"x": [1.0, np.inf, 3.0, np.nan], "flag": [True, None, False, None]})
    assert found["mean"].tolist() == [2.0, 0.5]


@pytest.mark.parametrize(
    ("low", "high", "edges"),
    [
        (0.0, 1.0, np.arange(11) / 10),
        (-2.36, 2.51, np.arange(-5, 7) / 2),
        (1, 209, np.arange(0, 221, 20)),
        (0, 90, np.arange(0, 91, 10)),
    ],
)
def test_round_edges(low, high, edges):
    np.testing.assert_allclose(round_edges(low, high, 10), edges)


@pytest.mark.parametrize("value", [0.0, 7.0, -1e-9, 1e12])
def test_a_constant(value):
    bars = histogram(np.full(4, value))
    assert bars.count("▇") == 1 and set(bars) <= set("▁▇")


def test_counts_are_right_closed():
    assert histogram(np.array([0, 1, 1, 2, 2, 2, 10.0])) == "▇▇▁▁▁▁▁▁▁▂"


def test_other_tables():
    pl = pytest.importorskip("polars")
    assert hm.precis(pl.DataFrame({"x": [1.0, 3.0], "s": ["a", "b"]})).loc["x", "mean"] == 2.0


def test_draws_of_a_fit(melsm):
    assert list(hm.precis(melsm.draws()).index) == [row.variable for row in melsm.info.rows]


def test_errors_teach():
    with pytest.raises(hm.DataError, match="a table or a mapping of columns, not int"):
        hm.precis(3)
    with pytest.raises(hm.HmlmError, match="prob = 89"):
        hm.precis({"x": [1.0]}, prob=89)
