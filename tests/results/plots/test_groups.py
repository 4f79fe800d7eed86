"""Figures of group effects hold what the tables hold: levels, order, intervals, labels."""

from __future__ import annotations

import numpy as np
import pytest

from hmlm.types import HmlmError


def segments(ax) -> np.ndarray:
    """(n, 2, 2) ends of the first collection of lines."""
    return np.array(ax.collections[0].get_segments())


def points(ax) -> np.ndarray:
    """(n, 2) of the scatter with a point per level."""
    return next(c for c in ax.collections if hasattr(c, "get_sizes") and len(c.get_sizes())).get_offsets()


def ranef(fit, factor: str, term: str, prob: float = 0.95):
    table = fit.ranef(prob=prob)[factor]
    return table[table["term"] == term].set_index("level").iloc[:, 1:]


@pytest.mark.parametrize("prob", [0.95, 0.5])
def test_caterpillar_is_the_table_sorted(cafes, prob):
    fig = cafes.plot.caterpillar(prob=prob)
    assert [ax.get_title(loc="left") for ax in fig.get_axes()] == ["Intercept", "afternoon"]
    for ax, term in zip(fig.get_axes(), ("Intercept", "afternoon"), strict=True):
        table = ranef(cafes, "cafe", term, prob).sort_values("Estimate")
        np.testing.assert_allclose(points(ax)[:, 0], table["Estimate"])
        np.testing.assert_allclose(segments(ax)[:, :, 0], table.iloc[:, 2:])
        assert [text.get_text() for text in ax.get_yticklabels()] == list(table.index)


def test_caterpillar_colours_intervals_without_zero(cafes):
    ax = cafes.plot.caterpillar(term="Intercept").get_axes()[0]
    low, high = segments(ax)[:, :, 0].T
    distinct = (low > 0) | (high < 0)
    colors = ax.collections[0].get_colors()
    assert 0 < distinct.sum() < len(distinct)
    assert len(np.unique(colors[distinct], axis=0)) == len(np.unique(colors[~distinct], axis=0)) == 1
    assert not np.allclose(colors[distinct][0], colors[~distinct][0])


def test_caterpillar_names_only_the_ends_of_many_levels(melsm):
    ax = melsm.plot.caterpillar(term="sigma_Intercept").get_axes()[0]
    table = ranef(melsm, "id", "sigma_Intercept").sort_values("Estimate")
    assert len(points(ax)) == 48
    assert [text.get_text() for text in ax.get_yticklabels()] == [table.index[0], table.index[-1]]
    assert ax.get_xlabel() == "deviation, log sigma of y.z"


def test_caterpillar_of_several_factors(crossed):
    titles = [ax.get_title(loc="left") for ax in crossed.plot.caterpillar().get_axes()]
    assert titles == ["a: u_Intercept", "a: u_x", "b: u_Intercept", "b: v_Intercept"]
    of_b = crossed.plot.caterpillar(group="b", term=["v_Intercept"]).get_axes()
    assert [ax.get_title(loc="left") for ax in of_b] == ["b: v_Intercept"]


def test_ranked_sigma_is_sigma_sorted(melsm):
    ax = melsm.plot.ranked_sigma().get_axes()[0]
    draws = melsm["r_id__sigma"].sel(term="Intercept") + melsm["b_sigma_Intercept"]
    sigma = np.exp(draws.transpose("id", "chain", "draw").values).reshape(48, -1)
    order = np.argsort(sigma.mean(axis=1))
    np.testing.assert_allclose(points(ax)[:, 0], sigma.mean(axis=1)[order])
    np.testing.assert_allclose(segments(ax)[:, :, 0].T, np.quantile(sigma[order], [0.025, 0.975], axis=1))
    assert ax.get_xlabel() == "sigma of y.z, with x.z = 0"


def test_location_scale_has_both_intervals(melsm):
    ax = melsm.plot.location_scale(prob=0.8).get_axes()[0]
    location = ranef(melsm, "id", "Intercept", 0.8)
    ratio = np.exp(melsm["r_id__sigma"].sel(term="Intercept").transpose("id", "chain", "draw").values)
    horizontal, vertical = (np.array(c.get_segments()) for c in ax.collections[:2])
    np.testing.assert_allclose(horizontal[:, :, 0], location.iloc[:, 2:])
    expected = np.quantile(ratio.reshape(48, -1), [0.1, 0.9], axis=1)
    np.testing.assert_allclose(vertical[:, :, 1].T, expected)
    np.testing.assert_allclose(points(ax)[:, 0], location["Estimate"])
    assert ax.get_yscale() == "log"


def test_location_scale_states_the_summary_correlation(melsm):
    fig = melsm.plot.location_scale()
    row = melsm.summary().loc["cor(Intercept,sigma_Intercept)"]
    shown = fig.get_suptitle().replace("\N{MINUS SIGN}", "-")
    assert f"correlation {row['Estimate']:.2f}" in shown


def test_pair_is_the_table(cafes):
    ax = cafes.plot.pair("afternoon", "Intercept").get_axes()[0]
    columns = [ranef(cafes, "cafe", term)["Estimate"] for term in ("afternoon", "Intercept")]
    np.testing.assert_allclose(points(ax), np.column_stack(columns))
    assert [text.get_text() for text in ax.texts] == list(columns[0].index)


@pytest.mark.parametrize(
    ("draw", "message"),
    [
        (lambda plot: plot.caterpillar(term="afternon"), "did you mean 'afternoon'"),
        (lambda plot: plot.caterpillar(group="cafes"), "did you mean 'cafe'"),
        (lambda plot: plot.caterpillar(prob=95), "between 0 and 1"),
        (lambda plot: plot.ranked_sigma(), "give sigma a formula"),
        (lambda plot: plot.location_scale(), "give sigma a formula"),
        (lambda plot: plot.ranked_sigma(resp="wiat"), "did you mean 'wait'"),
        (lambda plot: plot.pair("Intercept", "aftrnoon"), "did you mean 'afternoon'"),
        (lambda plot: plot.shrinkage(y="Intercept"), "other varying coefficient"),
        (lambda plot: plot.residual_covariance("13"), "level of cafe"),
        (lambda plot: plot.coefficients("afternon"), "did you mean 'afternoon'"),
        (lambda plot: plot.coefficients("(a"), "not a regular expression"),
        (lambda plot: plot.correlation_prior("cor(a,b)"), "no such correlation"),
        (lambda plot: plot.trace("nothing"), "matches no parameter"),
    ],
)
def test_errors_teach(cafes, draw, message):
    with pytest.raises(HmlmError) as caught:
        draw(cafes.plot)
    assert message in str(caught.value)


def test_errors_of_other_models(melsm, crossed):
    with pytest.raises(HmlmError, match="needs a plane"):
        melsm.plot.shrinkage()
    with pytest.raises(HmlmError, match="resp = one of 'u', 'v'"):
        crossed.plot.shrinkage()
    with pytest.raises(HmlmError, match="group = one of 'a', 'b'"):
        crossed.plot.shrinkage(resp="u")
