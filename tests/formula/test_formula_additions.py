"""Addition terms left of ``~``: how they are read, their values, what they refuse, and new data."""

import pickle

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from hmlm.formula.addition_values import rebuild_additions
from hmlm.formula.bf import as_model_formula, bf
from hmlm.formula.design import build_design
from hmlm.formula.update import update_formula
from hmlm.types import DataError, DataWarning, FormulaError

READ = {
    "y | trials(n)": ("y", (("trials", "n"),)),
    "y | weights( w ) + trials(10)": ("y", (("weights", "w"), ("trials", "10"))),
    "y | se(s, sigma=TRUE)": ("y", (("se", "s, sigma = TRUE"),)),
    "log(y) | trunc(ub = 10, lb = -Inf)": ("log(y)", (("trunc", "ub = 10, lb = -Inf"),)),
    "`my y` | cens(c, y2) + rate(exp(d))": ("my y", (("cens", "c, y2"), ("rate", "exp(d)"))),
    "cbind(s, f)": ("s", (("trials", "s + f"),)),
    "cbind(s, n - s) | weights(w)": ("s", (("trials", "s + n - s"), ("weights", "w"))),
}


@pytest.mark.parametrize("left", READ)
def test_read(left):
    formula = bf(f"{left} ~ x")
    assert (formula.column, formula.additions) == READ[left]
    assert bf(f"{formula.left.replace('my y', '`my y`')} ~ x") == formula


def test_left_is_what_is_printed():
    assert bf("y|trials(n)+weights(w) ~ x").left == "y | trials(n) + weights(w)"
    assert bf("y ~ x").left == "y"


MALFORMED = {
    "y | trials()": "lacks its argument",
    "y | trials(n, m)": "`m` is no argument of `trials\\(\\)`, which takes x",
    "y | se(s, sigma = 2)": "`sigma = 2` must be TRUE or FALSE",
    "y | se(s, sd = TRUE)": "`sd = TRUE` is no argument of `se\\(\\)`, which takes x, sigma",
    "y | se(s, x = s)": "`s` must be TRUE or FALSE",
    "y | trunc()": "has no bound",
    "y | trials(n) + trials(m)": "given twice",
    "y | trial(n)": "did you mean `trials\\(\\)`",
    "y | thres(3)": "brms's number of thresholds, is not available",
    "y | mi()": "brms's model of missing values, is not available",
    "y | subset(x)": "filter the table first",
    "y | trials(n) | weights(w)": "no outcome",
    "y || trials(n)": "no outcome",
    "y | trials(n) - weights(w)": "no addition term",
    "y | trials(a:b)": "cannot be computed",
    "y | trials(log(2))": "uses no column",
    "cbind(s)": "cbind\\(successes, failures\\)",
    "cbind(s, f, g)": "cbind\\(successes, failures\\)",
}


@pytest.mark.parametrize("left", MALFORMED)
def test_malformed(left):
    with pytest.raises(FormulaError, match=MALFORMED[left]):
        as_model_formula(f"{left} ~ x")


@pytest.fixture
def counts() -> pd.DataFrame:
    """Six rows of successes out of trials, with everything that may be said of a row."""
    return pd.DataFrame(
        {
            "y": [1, 0, 3, 2, 5, 4],
            "n": [4, 2, 3, 9, 5, 6],
            "w": [0.5, 1.0, 2.0, 0.0, 1.0, 1.5],
            "s": [0.1, 0.2, 0.1, 0.3, 0.2, 0.4],
            "c": ["none", "left", "right", "interval", "none", "none"],
            "end": [np.nan, np.nan, np.nan, 7.0, np.nan, np.nan],
            "x": [0.3, -0.2, 0.9, 0.4, -0.5, 0.1],
        }
    )


def outcome(left, table):
    return build_design(as_model_formula(f"{left} ~ x"), table).outcomes[0]


def test_values(counts):
    said = outcome("y | trials(n) + weights(w) + se(2 * s) + rate(exp(x)) + trunc(lb = 0)", counts).additions
    assert set(said) == {"trials", "weights", "se", "se_sigma", "rate", "trunc_lower"}
    assert all(values.dtype == np.float64 and values.shape == (6,) for values in said.values())
    assert_array_equal(said["trials"], counts["n"])
    assert_array_equal(said["weights"], counts["w"])
    assert_allclose(said["se"], 2 * counts["s"])
    assert_array_equal(said["se_sigma"], 0.0)
    assert_allclose(said["rate"], np.exp(counts["x"]))
    assert_array_equal(said["trunc_lower"], 0.0)


def test_options(counts):
    assert_array_equal(outcome("y | se(s, sigma = TRUE)", counts).additions["se_sigma"], 1.0)
    assert_array_equal(outcome("y | trials(20)", counts).additions["trials"], 20.0)
    scaled = outcome("y | weights(w, scale = TRUE)", counts)
    assert_allclose(scaled.additions["weights"], counts["w"] / counts["w"].mean())
    assert_allclose(rebuild_additions(scaled, counts[:2])["weights"], [0.5, 1.0])
    assert set(outcome("y | trunc(lb = -Inf, ub = n + 1)", counts).additions) == {"trunc_upper"}
    assert not outcome("y", counts).additions


def test_cbind_is_trials_of_the_sum(counts):
    counts["f"] = counts["n"] - counts["y"]
    assert_array_equal(outcome("cbind(y, f)", counts).additions["trials"], counts["n"])
    assert_array_equal(outcome("cbind(y, n - y)", counts).additions["trials"], counts["n"])


def test_censoring(counts):
    codes = [0, -1, 1, 2, 0, 0]
    said = outcome("y | cens(c, end)", counts).additions
    assert_array_equal(said["cens"], codes)
    assert_array_equal(said["cens_upper"], [2, 1, 4, 7, 6, 5])
    assert_array_equal(outcome("y | cens(c, end)", counts.assign(c=codes)).additions["cens"], codes)
    short = counts.assign(c=pd.Categorical(["n", "l", "r", "i", "n", "n"]))
    assert_array_equal(outcome("y | cens(c, end)", short).additions["cens"], codes)
    truth = counts.assign(c=np.array(codes) == 1)
    assert_array_equal(outcome("y | cens(c)", truth).additions["cens"], [0, 0, 1, 0, 0, 0])
    assert_array_equal(outcome("y | cens(n - n)", counts).additions["cens"], 0.0)


def test_ends_of_intervals_may_lack_where_there_is_none(counts):
    named = counts.rename(columns={"c": "my c", "end": "the end"})
    assert_array_equal(outcome("y | cens(`my c`, `the end`)", named).additions["cens_upper"][3], 7.0)
    counts.loc[5, "c"] = "interval"
    with pytest.warns(DataWarning, match="dropped 1 of 6 rows with missing values; by column: end 1"):
        design = build_design(as_model_formula("y | cens(c, end) ~ x"), counts)
    assert_array_equal(design.rows, range(5))


def test_ends_of_intervals_that_predict_must_be_there(counts):
    counts.loc[0, "end"] = 9.0
    with pytest.warns(DataWarning, match="dropped 4 of 6 rows with missing values; by column: end 4"):
        build_design(as_model_formula("y | cens(c, end) ~ end"), counts)


def test_columns_of_additions_count_as_used(counts):
    counts.loc[2, "w"] = np.nan
    with pytest.warns(DataWarning, match="dropped 1 of 6 rows with missing values; by column: w 1"):
        design = build_design(as_model_formula("y | weights(w) ~ x"), counts)
    assert "w" in design.table and design.n_rows == 5
    with pytest.raises(DataError, match="`y | trials\\(m\\) ~ x`: no column 'm'"):
        outcome("y | trials(m)", counts)


REFUSED = {
    "y | trials(n - 1)": "must not exceed its number of trials; it is not in 2 rows, .* such as 3, 5",
    "y | trials(n / 2 + 5)": "trials must be a whole number, 0 or more; it is not in 3 rows",
    "y | trials(n - 3)": "trials must be a whole number, 0 or more; it is not in 1 row, .* -1",
    "y | weights(x)": "weights must be 0 or more; it is not in 2 rows",
    "y | se(x)": "se must be 0 or more",
    "y | se(w)": "se must be positive unless sigma = TRUE",
    "y | rate(w)": "the denominator of rate must be positive",
    "y | trunc(lb = 3, ub = n)": "in trunc, lb must be less than ub; it is not in 2 rows",
    "y | trunc(lb = 1)": "'y' must not be below the lower bound of trunc; it is not in 1 row",
    "y | trunc(ub = 4)": "'y' must not be above the upper bound of trunc",
    "y | cens(c)": "intervals need their ends, cens\\(c, y2\\)",
    "y | cens(c, y)": "must be less than y2 of cens where it is an interval",
    "y | cens(n)": "column 'n' of cens has '4', '3', '9'; allowed are 'left' \\(-1\\)",
    "y | cens(n + 1)": "cens\\(n \\+ 1\\) is 5 in some row",
    "y | trials(c)": "column 'c' is not numeric",
    "y | trials(Inf)": "trials must be a whole number",
}


@pytest.mark.parametrize("left", REFUSED)
def test_refused(left, counts):
    with pytest.raises(DataError, match=REFUSED[left]):
        outcome(left, counts)


def test_unknown_word(counts):
    counts.loc[0, "c"] = "up"
    with pytest.raises(DataError, match="column 'c' of cens has 'up'; allowed are"):
        outcome("y | cens(c, end)", counts)


def test_new_data(counts):
    known = pickle.loads(pickle.dumps(outcome("y | trials(n) + weights(w) + cens(c, end)", counts)))
    new = pd.DataFrame({"n": [7, 8], "c": ["right", "none"], "end": [0.0, 0.0], "w": [1.0, 2.0]})
    assert_array_equal(rebuild_additions(known, new[["n"]], ("trials",))["trials"], [7, 8])
    everything = rebuild_additions(known, new)
    assert_array_equal(everything["cens"], [1, 0])
    assert list(everything) == list(known.additions)
    with pytest.raises(DataError, match="no column 'w'"):
        rebuild_additions(known, new.drop(columns="w"))
    with pytest.raises(DataError, match="whole number"):
        rebuild_additions(known, new.assign(n=2.5), ("trials",))
    assert rebuild_additions(outcome("y", counts), new) == {}


def test_update():
    old = as_model_formula("y | trials(n) ~ x")
    assert update_formula(old, ". ~ . + z").outcomes[0].additions == (("trials", "n"),)
    assert update_formula(old, "y | trials(m) ~ .").outcomes[0] == bf("y | trials(m) ~ x")
    assert update_formula(old, ". | weights(w) ~ .").outcomes[0] == bf("y | weights(w) ~ x")
    assert update_formula(old, "s ~ .").outcomes[0] == bf("s | trials(n) ~ x")
