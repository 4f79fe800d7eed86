"""Shrinkage, separate fits and covariances against least squares and sums written out."""

from __future__ import annotations

import numpy as np
from matplotlib.patches import FancyArrowPatch

from hmlm.results.plots import residual_covariance
from hmlm.results.plots.covariance import row_covariance
from hmlm.results.plots.pooling import pooling


def rows_of(fit, factor: str, level: str) -> np.ndarray:
    found = next(f for f in fit.design.factors if f.name == factor)
    return np.flatnonzero(found.index == found.levels.index(level))


def test_cafes_alone_are_differences_of_means(cafes):
    found = pooling(cafes, None, None)
    wait, afternoon = cafes.design.outcomes[0].values, cafes.design.predictors[0].population.matrix[:, 0]
    for j, level in enumerate(found.levels):
        rows = rows_of(cafes, "cafe", level)
        morning = wait[rows][afternoon[rows] == 0].mean()
        np.testing.assert_allclose(
            found.none[j], [morning, wait[rows][afternoon[rows] == 1].mean() - morning]
        )
    both = np.polynomial.Polynomial.fit(afternoon, wait, 1).convert().coef
    np.testing.assert_allclose(found.complete, both)


def test_partial_pooling_is_coefficient_plus_effect(cafes):
    found = pooling(cafes, None, None)
    slope = cafes["r_cafe"].sel(term="afternoon").mean(("chain", "draw")) + cafes["b_afternoon"].mean()
    np.testing.assert_allclose(found.partial[:, 1], slope)


def test_other_parts_of_the_model_are_taken_out_first(crossed):
    found = pooling(crossed, "a", "u")
    rows = rows_of(crossed, "a", "2")
    b = next(f.index for f in crossed.design.factors if f.name == "b")[rows]
    effects = crossed["r_b__u"].sel(term="Intercept").mean(("chain", "draw")).values
    target = crossed.design.outcomes[0].values[rows] - effects[b]
    x = crossed.design.predictors[0].population.matrix[rows, 0]
    np.testing.assert_allclose(found.none[2], np.polynomial.Polynomial.fit(x, target, 1).convert().coef)


def test_a_level_with_one_row_has_no_estimate_of_its_own(crossed):
    found = pooling(crossed, "a", "u")
    assert np.isnan(found.none[-1]).all() and np.isfinite(found.none[:-1]).all()
    note = crossed.plot.shrinkage(group="a", resp="u").get_supxlabel()
    assert "Too few rows for an estimate of its own: 1 level." in note.replace("\n", " ")


def test_shrinkage_draws_every_level_both_ways(cafes):
    ax = cafes.plot.shrinkage().get_axes()[0]
    found = pooling(cafes, None, None)
    alone, partial, complete, population = (c.get_offsets() for c in ax.collections[:4])
    np.testing.assert_allclose(alone, found.none)
    np.testing.assert_allclose(partial, found.partial)
    np.testing.assert_allclose(complete, found.complete[None])
    np.testing.assert_allclose(population, found.population[None])
    assert any(isinstance(patch, FancyArrowPatch) for patch in ax.patches)
    assert (ax.get_xlabel(), ax.get_ylabel()) == ("Intercept, mean of wait", "afternoon, mean of wait")


def test_shrinkage_turns_its_axes(cafes):
    ax = cafes.plot.shrinkage(x="afternoon").get_axes()[0]
    np.testing.assert_allclose(ax.collections[0].get_offsets(), pooling(cafes, None, None).none[:, ::-1])


def test_ellipses_hold_their_share_of_the_population(cafes):
    """Half of a normal sample with the ellipse's covariance lies inside the inner outline."""
    ax = cafes.plot.shrinkage().get_axes()[0]
    cor, sd = (
        cafes["cor_cafe__Intercept__afternoon"],
        [cafes[f"sd_cafe__{n}"] for n in ("Intercept", "afternoon")],
    )
    cross = float((cor * sd[0] * sd[1]).mean())
    covariance = np.array([[float((sd[0] ** 2).mean()), cross], [cross, float((sd[1] ** 2).mean())]])
    mean = [float(cafes[name].mean()) for name in ("b_Intercept", "b_afternoon")]
    sample = np.random.default_rng(1).multivariate_normal(mean, covariance, size=20_000)
    outlines = [patch.get_path() for patch in ax.patches if not isinstance(patch, FancyArrowPatch)]
    shares = [outline.contains_points(sample).mean() for outline in outlines]
    np.testing.assert_allclose(shares, [0.5, 0.9], atol=4 * np.sqrt(0.25 / 20_000))


def test_separate_draws_two_densities_a_term(cafes):
    axes = cafes.plot.separate().get_axes()
    assert [ax.get_title(loc="left") for ax in axes] == ["Intercept", "afternoon"]
    for ax in axes:
        for line in ax.lines[:2]:
            np.testing.assert_allclose(np.trapezoid(line.get_ydata(), line.get_xdata()), 1, atol=0.01)
            low, high = ax.get_xlim()
            assert low <= line.get_xdata().min() and line.get_xdata().max() <= high


def test_row_covariance_is_the_sum_over_factors(crossed):
    rows = rows_of(crossed, "a", "2")
    x = crossed.design.predictors[0].population.matrix[rows, 0]
    b = next(f.index for f in crossed.design.factors if f.name == "b")[rows]
    variance = {
        n: float((crossed[n] ** 2).mean()) for n in crossed.posterior if n.startswith(("sd_", "sigma"))
    }
    expected = variance["sd_a__u_Intercept"] + variance["sd_a__u_x"] * np.outer(x, x)
    expected = expected + variance["sd_b__u_Intercept"] * (b[:, None] == b)
    expected += variance["sigma_u"] * np.eye(len(rows))
    np.testing.assert_allclose(row_covariance(crossed, 0, rows), expected)
    image = crossed.plot.residual_covariance("2", group="a", resp="u").get_axes()[0].images[0]
    np.testing.assert_allclose(image.get_array(), expected)


def test_row_covariance_with_a_formula_of_sigma(melsm):
    rows = rows_of(melsm, "id", "p7")[:2]
    x = melsm.design.predictors[1].population.matrix[rows, 0]
    level = melsm["r_id__sigma"].sel(id="p7", term="Intercept")
    log_sigma = [melsm["b_sigma_Intercept"] + level + melsm["b_sigma_x.z"] * value for value in x]
    diagonal = [float(np.exp(2 * one).mean()) for one in log_sigma]
    between = float((melsm["sd_id__Intercept"] ** 2).mean())
    np.testing.assert_allclose(row_covariance(melsm, 0, rows), between + np.diag(diagonal))


def test_covariance_writes_numbers_only_where_they_fit(cafes, monkeypatch):
    assert len(cafes.plot.residual_covariance().get_axes()[0].texts) == 8 * 8
    monkeypatch.setattr(residual_covariance, "WRITTEN", 7)
    assert len(cafes.plot.residual_covariance().get_axes()[0].texts) == 0


def test_covariance_has_colours_for_negative_values_only_where_there_are_some(cafes, monkeypatch):
    image = cafes.plot.residual_covariance().get_axes()[0].images[0]
    assert image.get_array().min() >= 0 == image.norm.vmin
    turned = np.array([[2.0, -0.5], [-0.5, 1.0]])
    monkeypatch.setattr(residual_covariance, "row_covariance", lambda *_: turned)
    image = cafes.plot.residual_covariance().get_axes()[0].images[0]
    assert (image.norm.vmin, image.norm.vmax) == (-2.0, 2.0)


def test_covariance_counts_rows_in_whole_numbers(cafes, monkeypatch):
    monkeypatch.setattr(residual_covariance, "WRITTEN", 0)
    ax = cafes.plot.residual_covariance().get_axes()[0]
    for ticks in (ax.get_xticks(), ax.get_yticks()):
        np.testing.assert_array_equal(ticks, np.round(ticks))
