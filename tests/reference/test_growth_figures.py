"""Grade points sampled: predictions and figures that *Mixed Models with R* draws of its models."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

import hmlm as hm

from .agreement import needs_data
from .test_growth import INTERCEPT, SLOPE, fitted

pytestmark = [pytest.mark.data, needs_data]
STUDENTS = 200


def points(ax) -> np.ndarray:
    return next(c for c in ax.collections if hasattr(c, "get_sizes") and len(c.get_sizes())).get_offsets()


def test_caterpillar_of_students():
    ax = fitted(INTERCEPT).plot.caterpillar().axes[0]
    table = fitted(INTERCEPT).ranef()["student"].sort_values("Estimate")
    np.testing.assert_allclose(points(ax)[:, 0], table["Estimate"])
    distinct = (table.iloc[:, 4] > 0) | (table.iloc[:, 5] < 0)
    colors = ax.collections[0].get_colors()
    assert 50 < distinct.sum() < 150
    assert len(np.unique(colors[distinct.to_numpy()], axis=0)) == 1


def test_predictions_with_and_without_students():
    """Without group effects the mixed model predicts the line of ``lm``; with them each student's own."""
    fit, data = fitted(INTERCEPT), hm.load_dataset("gpa")
    average = fit.epred(re_formula="NA", summary=True)["Estimate"].to_numpy()
    own = fit.epred(summary=True)["Estimate"].to_numpy()
    line = np.polynomial.Polynomial.fit(data["occasion"], data["gpa"], 1)(data["occasion"])
    error = fit.fixef().loc["Intercept", "Est.Error"] / np.sqrt(fit.summary()["Bulk_ESS"].min())
    np.testing.assert_allclose(average, line, atol=4 * error)
    effects = fit["r_student"].sel(term="Intercept").mean(("chain", "draw"))
    codes = data["student"].astype(str).to_numpy()
    np.testing.assert_allclose(own - average, effects.sel(student=codes), atol=1e-10)
    assert np.corrcoef(own, data["gpa"])[0, 1] > np.corrcoef(average, data["gpa"])[0, 1]


@pytest.mark.parametrize("formula", [INTERCEPT, SLOPE])
def test_lines_of_students(formula):
    """Parallel with varying intercepts only, shown for some students and for all."""
    fit, data = fitted(formula), hm.load_dataset("gpa")
    lines = fit.plot.spaghetti("occasion").axes[0].lines
    assert len(lines) == STUDENTS + 1
    slopes = np.array([np.ptp(line.get_ydata()) / np.ptp(line.get_xdata()) for line in lines[:-1]])
    assert (np.ptp(slopes) < 1e-9) == (formula == INTERCEPT)
    two = fit.plot.lines("occasion", levels=["1", "2"], ndraws=400).axes
    for student, ax in zip((1, 2), two, strict=True):
        middle = np.mean([line.get_ydata() for line in ax.lines], axis=0)
        grades = data.loc[data["student"] == student, "gpa"]
        assert abs(middle.mean() - grades.mean()) < 0.15  # shrunken towards the others


def test_separate_fits_are_more_extreme():
    axes = fitted(SLOPE).plot.separate().axes
    assert [ax.get_title("left") for ax in axes] == ["Intercept", "occasion"]
    for ax in axes:
        alone, model = (spread(*line.get_data()) for line in ax.lines[:2])
        assert alone > 1.05 * model


def spread(grid: np.ndarray, density: np.ndarray) -> float:
    weight = density / density.sum()
    return np.sqrt(weight @ (grid - weight @ grid) ** 2)


def test_covariance_of_a_student_is_compound_symmetry():
    """The tutorial's tau² = 0.064 between occasions, sigma² + tau² = 0.122 at each."""
    image = np.asarray(fitted(INTERCEPT).plot.residual_covariance("1").axes[0].images[0].get_array())
    assert image.shape == (6, 6)
    off = image[~np.eye(6, dtype=bool)]
    assert np.ptp(off) < 1e-12 and np.ptp(np.diag(image)) < 1e-12
    table = fitted(INTERCEPT).var_corr().to_frame()["vcov"]
    np.testing.assert_allclose([off[0], image[0, 0]], [table.iloc[0], table.sum()], rtol=1e-8)
    assert off[0] == pytest.approx(0.064, abs=0.004) and image[0, 0] == pytest.approx(0.122, abs=0.005)


def test_check_of_assumptions():
    """One figure for residuals, their spread, and the normality of residuals and effects."""
    axes = fitted(SLOPE).plot.check().axes
    assert [ax.get_title("left") for ax in axes[2:]] == [
        "residuals",
        "student: Intercept",
        "student: occasion",
    ]
    assert len(axes[0].lines[0].get_xdata()) == 1200


def test_coefficients_are_fixed_plus_random():
    """The flash card's ``cbind(fixef()[1] + ranef()[, 1], ...)`` against ``coef()``."""
    fit = fitted(SLOPE)
    table = fit.coef()["student"]
    for term in ("Intercept", "occasion"):
        effects = of_term(fit.ranef()["student"], term)["Estimate"].to_numpy()
        sums = fit.fixef().loc[term, "Estimate"] + effects
        np.testing.assert_allclose(of_term(table, term)["Estimate"], sums, rtol=1e-10)


def test_effect_of_occasion_with_its_band():
    """``effect()``: the average line and its interval, to lie over the students' lines."""
    table = fitted(SLOPE).conditional_effects("occasion")["occasion"]
    fixed = fitted(SLOPE).fixef()["Estimate"]
    line = fixed["Intercept"] + fixed["occasion"] * table["occasion"]
    np.testing.assert_allclose(table["Estimate"], line, rtol=1e-8)
    ax = fitted(SLOPE).plot.conditional("occasion").axes[0]
    np.testing.assert_allclose(ax.lines[0].get_ydata(), line, rtol=1e-8)


def of_term(table: pd.DataFrame, term: str) -> pd.DataFrame:
    return table[table["term"] == term]
