"""Figures of parameters and of the sampler against the summary and closed forms."""

from __future__ import annotations

import dataclasses
import subprocess
import sys

import matplotlib
import numpy as np
import pytest
from scipy import stats

from hmlm.results.energies import bfmi
from hmlm.results.plots.correlation_prior import lkj_marginal
from hmlm.results.plots.cross import name_offsets
from hmlm.results.plots.density import density
from hmlm.results.plots.rank import BINS, rank_counts
from hmlm.types import HmlmError


def eyes(ax) -> list[tuple[float, float, float]]:
    """(low, mean, high) of each coefficient from the top."""
    lines = [c.get_segments()[0][:, 0] for c in ax.collections if type(c).__name__ == "LineCollection"]
    dots = [c.get_offsets()[0, 0] for c in ax.collections if type(c).__name__ == "PathCollection"]
    return [(low, dot, high) for (low, high), dot in zip(lines[::2], dots, strict=True)]


def test_coefficients_are_the_summary_by_part(melsm):
    axes = melsm.plot.coefficients(".", prob=0.9).get_axes()
    assert [ax.get_title(loc="left") for ax in axes] == ["mean of y.z", "log sigma of y.z"]
    table = melsm.summary(prob=0.9)
    for ax, names in zip(axes, (["Intercept", "x.z"], ["sigma_Intercept", "sigma_x.z"]), strict=True):
        assert [text.get_text() for text in ax.get_yticklabels()] == ["Intercept", "x.z"]
        np.testing.assert_allclose(eyes(ax), table.loc[names].iloc[:, [2, 0, 3]])


def test_coefficients_leave_intercepts_out_unless_alone(melsm, crossed):
    labels = [[t.get_text() for t in ax.get_yticklabels()] for ax in melsm.plot.coefficients().get_axes()]
    assert labels == [["x.z"], ["x.z"]]
    chosen = crossed.plot.coefficients("v_Intercept").get_axes()
    assert [ax.get_title(loc="left") for ax in chosen] == ["mean of v"]


def test_lkj_marginal_is_uniform_and_normalised():
    rho = np.linspace(-1, 1, 20_001)
    np.testing.assert_allclose(lkj_marginal(rho, 1.0, 2), 0.5)
    for eta, size in ((2.0, 2), (2.0, 5), (1.0, 4)):
        np.testing.assert_allclose(np.trapezoid(lkj_marginal(rho, eta, size), rho), 1, atol=1e-6)
        expected = (1 - rho**2) ** (eta - 2 + size / 2)
        ratio = lkj_marginal(rho, eta, size)[1:-1] / expected[1:-1]
        np.testing.assert_allclose(ratio, ratio[0], rtol=1e-8)


def test_lkj_marginal_is_that_of_lkj_draws():
    """The prior of a 4 x 4 correlation matrix, by NumPyro's sampler."""
    from jax import random
    from numpyro.distributions import LKJ

    rho = np.asarray(LKJ(4, 2.0).sample(random.key(0), (4000,)))[:, 2, 1]
    grid = np.linspace(-1, 1, 2001)
    below = np.concatenate([[0], np.cumsum(lkj_marginal(grid, 2.0, 4)[1:] * np.diff(grid))])
    assert stats.kstest(rho, lambda value: np.interp(value, grid, below)).pvalue > 0.001


def test_correlations_are_drawn_with_prior_and_posterior(melsm, crossed):
    [ax] = melsm.plot.correlation_prior("cor(Intercept,sigma_Intercept)").get_axes()
    posterior, prior = ax.lines
    np.testing.assert_allclose(prior.get_ydata(), lkj_marginal(prior.get_xdata(), 1.0, 2))
    np.testing.assert_allclose(np.trapezoid(posterior.get_ydata(), posterior.get_xdata()), 1, atol=0.01)
    assert ax.collections[-1].get_offsets()[0, 0] == pytest.approx(
        float(melsm["cor_id__Intercept__sigma_Intercept"].mean())
    )
    [residual] = crossed.plot.correlation_prior().get_axes()
    assert residual.get_title(loc="left").startswith("rescor(u,v)")


def test_density_is_reflected_at_its_bounds():
    draws = np.random.default_rng(0).uniform(-1, 1, 20_000)
    grid, height = density(draws, -1.0, 1.0)
    assert grid[0] == -1 and grid[-1] == 1
    np.testing.assert_allclose(height, 0.5, atol=0.06)


def test_density_of_equal_draws_is_finite():
    assert np.isfinite(density(np.zeros(50))[1]).all()


def test_names_keep_apart():
    marks = np.array([[0.0, 0.0], [8.0, 0.0], [0.0, 8.0]])
    places = marks + name_offsets(marks, np.empty((0, 2)))
    apart = np.linalg.norm(places[:, None] - np.vstack([marks, places]), axis=2)
    assert apart[apart > 0].min() > 5


def test_names_keep_away_from_other_points():
    mark = np.zeros((1, 2))
    [free] = name_offsets(mark, np.empty((0, 2)))
    [moved] = name_offsets(mark, free[None])
    assert np.linalg.norm(moved - free) > np.linalg.norm(free)


def test_trace_has_every_chain(cafes):
    fig = cafes.plot.trace("sd")
    left, right = fig.get_axes()[:2]
    assert len(fig.get_axes()) == 4 and len(left.lines) == 2
    np.testing.assert_allclose(right.lines[1].get_ydata(), cafes["sd_cafe__Intercept"].sel(chain=1))


def test_trace_takes_the_parameters_that_mixed_worst(melsm):
    table = melsm.summary().sort_values("Bulk_ESS")
    titles = [ax.get_title(loc="left").split("   ")[0] for ax in melsm.plot.trace().get_axes()[::2]]
    assert titles == list(table.index[:6])


def test_rank_counts_share_the_draws_evenly():
    draws = np.random.default_rng(0).normal(size=(4, 500))
    counts = rank_counts(draws)
    assert counts.shape == (4, BINS) and (counts.sum(axis=1) == 500).all()
    assert (counts.sum(axis=0) == 4 * 500 / BINS).all()
    low_chain = rank_counts(np.stack([np.arange(100.0), 100 + np.arange(100.0)]))
    assert low_chain[0, : BINS // 2].sum() == 100


def test_rank_needs_two_chains(cafes):
    one = cafes.posterior.isel(chain=[0])
    with pytest.raises(HmlmError, match="compares chains"):
        dataclasses.replace(cafes, posterior=one).plot.rank()
    assert len(cafes.plot.rank("sd").get_axes()) == 2


def test_bfmi_of_independent_energies_is_two():
    energies = np.random.default_rng(0).normal(size=(1, 20_000))
    assert bfmi(energies) == pytest.approx(2, abs=0.06)


def test_energy_states_each_chain(cafes):
    note = cafes.plot.energy().get_supxlabel()
    values = bfmi(cafes.sample_stats["energy"].values)
    assert ", ".join(f"{value:.2f}" for value in values) in note


def test_the_users_style_neither_enters_nor_changes(cafes, tmp_path):
    with matplotlib.rc_context({"font.size": 31, "axes.facecolor": "black"}):
        fig = cafes.plot.coefficients()
        assert matplotlib.rcParams["font.size"] == 31
        fig.savefig(tmp_path / "figure.png")
    [ax] = fig.get_axes()
    assert ax.get_facecolor() == (1, 1, 1, 1) and ax.title.get_fontsize() < 12


def test_notebooks_get_a_png(cafes):
    assert cafes.plot.energy()._repr_png_().startswith(b"\x89PNG")


def test_figures_open_no_window_and_register_nowhere(cafes):
    from matplotlib import pyplot

    cafes.plot.energy()
    assert pyplot.get_fignums() == []


def test_importing_hmlm_leaves_matplotlib_alone():
    code = "import sys, hmlm, hmlm.results.plots; print('matplotlib' in sys.modules)"
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert ran.stdout.strip() == "False"


def test_the_namespace_lists_its_figures(cafes):
    assert "caterpillar" in repr(cafes.plot) and cafes.plot is cafes.plot
