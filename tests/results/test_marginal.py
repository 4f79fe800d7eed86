"""Marginal means against predictions of whole tables, draw by draw."""

from __future__ import annotations

import numpy as np
import pytest

import hmlm as hm

from .test_prediction import MODELS, Case, as_fit


@pytest.fixture(scope="module")
def fit():
    return as_fit(Case(MODELS["one"]))


def means(fit, **options):
    """(levels, C, S) means of explicit predictions."""
    table = fit.design.table
    tables = [table.assign(kind=level).astype({"kind": table["kind"].dtype}) for level in "abc"]
    return np.stack([fit.epred(one, **options).mean("row").values for one in tables])


@pytest.mark.parametrize("options", [{}, {"re_formula": "NA"}])
def test_means_are_those_of_the_whole_table_with_the_column_set(fit, options):
    found, expected = fit.marginal_means("kind", prob=0.9, **options), means(fit, **options)
    assert list(found["kind"]) == ["a", "b", "c"]
    np.testing.assert_allclose(found["Estimate"], expected.mean(axis=(1, 2)), rtol=1e-10)
    np.testing.assert_allclose(found["u-90% CI"], np.quantile(expected, 0.95, axis=(1, 2)), rtol=1e-10)


def test_comparisons_are_made_draw_by_draw(fit):
    found, each = fit.comparisons("kind"), means(fit)
    assert list(found["kind"]) == ["b - a", "c - a", "c - b"]
    expected = each[[1, 2, 2]] - each[[0, 0, 1]]
    np.testing.assert_allclose(found["Estimate"], expected.mean(axis=(1, 2)), rtol=1e-9, atol=1e-12)
    np.testing.assert_allclose(found["Est.Error"], expected.std(axis=(1, 2), ddof=0), rtol=0.02)
    ratio = fit.comparisons("kind", ["a", "c"], kind="ratio")
    np.testing.assert_allclose(ratio["Estimate"], (each[2] / each[0]).mean(), rtol=1e-9)
    assert list(ratio["kind"]) == ["c / a"]


def test_numbers_differ_by_their_slope():
    fit = as_fit(Case(MODELS["crossed"]))
    found = fit.comparisons("x", [0.0, 2.0], re_formula="NA")
    np.testing.assert_allclose(found["Estimate"], 2 * float(fit.posterior["b_x"].mean()), rtol=1e-10)
    assert len(fit.marginal_means("x")) == 3


def test_several_outcomes_have_rows_of_their_own():
    found = as_fit(Case(MODELS["outcomes"])).marginal_means("x", [0.0, 1.0])
    assert list(found["resp"]) == ["y", "zz", "y", "zz"]


def test_errors_teach(fit):
    with pytest.raises(hm.HmlmError, match="the formula has 'x', 'kind'; did you mean 'kind'"):
        fit.marginal_means("kin")
    with pytest.raises(hm.HmlmError, match="needs two values or more"):
        fit.comparisons("kind", ["a"])
    with pytest.raises(hm.HmlmError, match="did you mean 'ratio'"):
        fit.comparisons("kind", kind="ratios")
