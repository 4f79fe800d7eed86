"""Figures of predictions: what is drawn is what the tables say."""

from __future__ import annotations

import warnings

import numpy as np
import pandas as pd
import pytest

import hmlm as hm

from ..test_prediction import MODELS, Case, as_fit


@pytest.fixture(scope="module")
def fit():
    return as_fit(Case(MODELS["one"]))


@pytest.fixture(scope="module")
def both():
    return as_fit(Case(MODELS["outcomes"]))


def test_conditional_draws_the_tables(fit):
    figure, tables = fit.plot.conditional(prob=0.8), fit.conditional_effects(prob=0.8)
    assert [ax.get_xlabel() for ax in figure.axes] == ["x", "kind"]
    x, kind = figure.axes
    np.testing.assert_allclose(x.lines[0].get_ydata(), tables["x"]["Estimate"])
    np.testing.assert_allclose(kind.lines[0].get_ydata(), tables["kind"]["Estimate"])
    assert [label.get_text() for label in kind.get_xticklabels()] == ["a", "b", "c"]
    pair = fit.plot.conditional("x:kind").axes[0]
    assert [text.get_text() for text in pair.get_legend().get_texts()] == ["kind = a", "kind = b", "kind = c"]


def test_conditional_has_a_panel_per_outcome(both):
    assert [ax.get_ylabel() for ax in both.plot.conditional().axes] == ["y", "z.z"]


@pytest.mark.parametrize("kind", ["density", "ecdf"])
def test_pp_check_draws_the_outcome_over_new_ones(fit, kind):
    lines = fit.plot.pp_check(kind, ndraws=7).axes[0].lines
    assert len(lines) == 8
    assert len({line.get_color() for line in lines[:7]}) == 1 != lines[7].get_color()


def test_pp_check_intervals_are_those_of_new_outcomes(fit):
    ax = fit.plot.pp_check("intervals", ndraws=40, seed=5).axes[0]
    new = fit.predict(ndraws=40, seed=5).transpose("sample", "row").values
    observed = fit.observed["y"].values
    order = np.argsort(observed, kind="stable")
    np.testing.assert_allclose(ax.lines[0].get_ydata(), observed[order])
    low = [segment[0][1] for segment in ax.collections[0].get_segments()]
    np.testing.assert_allclose(low, np.quantile(new[:, order], 0.025, axis=0))


def test_pp_check_by_group_has_a_panel_per_level(fit):
    titles = [ax.get_title("left") for ax in fit.plot.pp_check("group").axes]
    sizes = np.bincount(fit.design.factors[0].index)
    assert titles == [f"{level} ({n} rows)" for level, n in zip(range(6), sizes, strict=True)]


def test_spaghetti_has_a_line_per_level_over_its_rows(fit):
    lines = fit.plot.spaghetti("x", ndraws=60).axes[0].lines
    assert len(lines) == 6 + 1
    x, g = fit.design.table["x"], fit.design.factors[0].index
    for level, line in enumerate(lines[:6]):
        own = x[g == level]
        np.testing.assert_allclose(line.get_xdata()[[0, -1]], [own.min(), own.max()])
    panels = fit.plot.spaghetti("x", levels=3).axes
    assert len(panels) == 3 and all(len(ax.lines[0].get_xdata()) > 5 for ax in panels)


def test_lines_of_a_new_level_are_draws_of_what_it_expects(fit):
    figure = fit.plot.lines("x", ndraws=12, conditions={"kind": "b"})
    assert figure.get_supxlabel().replace("\n", " ").endswith("typical values, kind = b.")
    ax = figure.axes[0]
    assert len(ax.lines) == 12 and ax.get_title("left") == "a new g"
    x = ax.lines[0].get_xdata()
    newdata = pd.DataFrame({"x": x, "kind": "b", "g": 6})
    found = fit.epred(newdata, ndraws=12, allow_new_levels=True).transpose("sample", "row")
    np.testing.assert_allclose([line.get_ydata() for line in ax.lines], found, rtol=1e-10)
    table = fit.design.table["x"]
    np.testing.assert_allclose(x[[0, -1]], [table.min(), table.max()])


def test_lines_have_a_row_of_panels_per_outcome_and_a_panel_per_level(both):
    axes = both.plot.lines("x", levels=["1", "4"], ndraws=5).axes
    assert [ax.get_title("left") for ax in axes] == ["g 1", "g 4"] * 2
    assert [ax.get_ylabel() for ax in axes] == ["expected y", "", "expected z.z", ""]
    newdata = pd.DataFrame({"x": axes[3].lines[0].get_xdata(), "g": 4})
    found = both.epred(newdata, resp="zz", ndraws=5).transpose("sample", "row")
    np.testing.assert_allclose([line.get_ydata() for line in axes[3].lines], found, rtol=1e-10)
    assert axes[0].get_ylim() == axes[1].get_ylim()


def test_lines_of_nested_levels_and_of_so_many():
    nested = as_fit(Case(MODELS["nested"]))
    axes = nested.plot.lines("x", group="g:h", levels=6, ndraws=2).axes
    assert len(axes) == 6 and axes[4].get_subplotspec().rowspan.start == 1
    assert [len(ax.lines) for ax in nested.plot.lines("x", group="g:h", ndraws=2).axes] == [2]


def test_errors_teach(fit, both):
    with pytest.raises(hm.HmlmError, match="levels = '9': no such level of g"):
        fit.plot.lines("x", levels=["9"])
    with pytest.raises(hm.HmlmError, match="x = 'kind': no such column of numbers"):
        fit.plot.lines("kind")
    with pytest.raises(hm.HmlmError, match="kind = 'densty': no such check; did you mean 'density'"):
        fit.plot.pp_check("densty")
    with pytest.raises(hm.HmlmError, match="say which outcome: resp = one of 'y', 'zz'"):
        both.plot.pp_check()
    with pytest.raises(hm.HmlmError, match="x = 'kind': no such column of numbers"):
        fit.plot.spaghetti("kind")


def test_check_draws_residuals_over_sigma_and_normal_quantiles():
    fit = as_fit(Case(MODELS["scale"]))
    axes = fit.plot.check().axes
    assert [ax.get_title("left") for ax in axes[2:]] == [
        "residuals",
        "g: Intercept",
        "g: x",
        "g: sigma_Intercept",
    ]
    mean, sigma = fit.epred().mean(("chain", "draw")), fit.epred(dpar="sigma").mean(("chain", "draw"))
    residual = (fit.observed["y"].values - mean.values) / sigma.values
    np.testing.assert_allclose(axes[0].lines[0].get_ydata(), residual, rtol=1e-10)
    np.testing.assert_allclose(axes[1].lines[0].get_ydata(), np.sqrt(np.abs(residual)), rtol=1e-10)
    np.testing.assert_allclose(axes[2].lines[1].get_ydata(), np.sort(residual), rtol=1e-10)
    effects = fit.effects["r_g"].sel(term="x").mean(("chain", "draw")).values
    np.testing.assert_allclose(axes[4].lines[1].get_ydata(), np.sort(effects), rtol=1e-10)
    assert len(axes[4].texts) == 3


def test_influence_marks_what_the_posterior_leans_on(cafes):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", hm.ComparisonWarning)
        figure, elpd = cafes.plot.influence("cafe"), cafes.loo("cafe")
    good, bad, _ = figure.axes[0].lines
    assert len(good.get_xdata()) == (~elpd.bad).sum() and len(bad.get_xdata()) == elpd.bad.sum()
    np.testing.assert_allclose(np.sort(np.r_[good.get_ydata(), bad.get_ydata()]), np.sort(elpd.khat))
