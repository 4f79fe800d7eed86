"""K-fold cross-validation against refits through the public interface."""

from __future__ import annotations

import dataclasses
import warnings

import numpy as np
import pytest
from scipy.special import logsumexp

import hmlm as hm
from hmlm.results.kfold import Units, rows_of, split

from ..helpers import even, stated
from .test_leave_group_out import CONSTANT_SCALE, EXAMPLES, N_GROUPS, PRIORS, SETTINGS, lmm, table


@pytest.fixture(scope="module")
def fit() -> hm.Fit:
    """With columns centred: left-out rows then need the means of the rows that were kept."""
    return hm.fit("y ~ x + (1 + x | g)", table(), prior=PRIORS + CONSTANT_SCALE, seed=1, **SETTINGS)


def test_folds_of_groups_are_predicted_by_refits_without_them(fit):
    data = table()
    data["x"] += 3.0  # far from zero, so that centring matters
    fit = hm.fit("y ~ x + (1 + x | g)", data, prior=PRIORS + CONSTANT_SCALE, seed=1, **SETTINGS)
    got = fit.kfold(3, group="g")
    units = Units(tuple(range(N_GROUPS)), "g", data["g"].values)
    folds = split(fit.design, units, 3, seed=0)
    kept = data[~np.isin(data["g"], np.flatnonzero(folds == 1))]
    refit = hm.fit(
        "y ~ x + (1 + x | g)", kept, prior=PRIORS + CONSTANT_SCALE, seed=9, **SETTINGS | {"draws": 2000}
    )
    for level in np.flatnonzero(folds == 1):
        log_density = lmm(refit, data[data["g"] == level])
        wanted = logsumexp(log_density) - np.log(len(log_density))
        error = np.exp(log_density - wanted).std() / np.sqrt(len(log_density) / 4)
        assert abs(got.elpd_i[level] - wanted) < 4 * np.sqrt(2) * error < 1.0
    assert got.method == "kfold" and got.khat is None
    assert 1 < got.p < 12


@pytest.mark.nightly
def test_folds_of_rows_agree_with_leaving_out_one_row(fit):
    got = fit.kfold(4)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", hm.ComparisonWarning)
        one = fit.loo()
    difference = got.elpd_i - one.elpd_i
    assert abs(difference.sum()) < 0.1 * abs(one.elpd)  # a quarter of the rows fewer to learn from
    assert np.corrcoef(got.elpd_i, one.elpd_i)[0, 1] > 0.95
    assert got.labels == one.labels


@pytest.mark.nightly
@pytest.mark.parametrize("name", list(EXAMPLES))
def test_a_fold_for_each_group_is_leave_group_out(name):
    fit = EXAMPLES[name].fit(table(), seed=1)
    got, wanted = fit.kfold(N_GROUPS, "g", samples=200), fit.loo("g", samples=200)
    np.testing.assert_allclose(got.elpd_i, wanted.elpd_i, atol=0.3)
    assert abs(got.elpd - wanted.elpd) < 0.8


def test_folds_are_even_within_levels_and_random():
    design = stated("correlated").design
    units = Units(tuple(range(60)), None, np.arange(60))
    folds = split(design, units, 5, seed=0)
    for level in range(6):
        assert np.bincount(folds[design.factors[0].index == level]).tolist() == [2] * 5
    assert not np.array_equal(folds, split(design, units, 5, seed=1))
    assert np.array_equal(folds, split(design, units, 5, seed=0))


def test_some_rows_of_a_design_are_those_of_a_smaller_table():
    whole, rows = stated("correlated").design, np.arange(60) % 3 > 0
    part = rows_of(whole, rows)
    wanted = hm.model("y ~ x + (1 + x | g)", even(0)[rows]).design
    np.testing.assert_array_equal(part.outcomes[0].values, wanted.outcomes[0].values)
    np.testing.assert_array_equal(
        part.predictors[0].population.matrix, wanted.predictors[0].population.matrix
    )
    np.testing.assert_array_equal(part.predictors[0].groups[0].matrix, wanted.predictors[0].groups[0].matrix)
    np.testing.assert_array_equal(part.factors[0].index, wanted.factors[0].index)
    assert part.n_rows == 40


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"k": 1}, "k = 1; there are 72 to leave out, so k is between 2 and 72"),
        ({"k": 13, "group": "g"}, "between 2 and 12"),
        ({"group": "h"}, "no grouping factor 'h'; the model has g"),
    ],
)
def test_what_makes_no_folds_is_refused(fit, arguments, message):
    with pytest.raises(hm.HmlmError, match=message):
        fit.kfold(**arguments)


def test_a_fit_from_a_file_cannot_be_fitted_again(fit):
    read = dataclasses.replace(fit, design=None)
    with pytest.raises(hm.HmlmError, match="kfold needs the data"):
        read.kfold()
