"""The figure of LOO-PIT: the curve is that of ``fit.loo_pit``, and its band holds as often as it says."""

from __future__ import annotations

import dataclasses
import warnings

import numpy as np
import pytest
import xarray as xr

import hmlm as hm
from hmlm.results.plots.loo_pit import ecdf_difference, simultaneous_band

pytestmark = pytest.mark.filterwarnings("ignore::hmlm.types.ComparisonWarning")

AT = np.arange(1, 100) / 100
SAMPLES = 1000


def leaves(pit: np.ndarray, band: tuple[np.ndarray, np.ndarray], at: np.ndarray = AT) -> bool:
    difference = ecdf_difference(pit, at)
    return bool(((difference < band[0] - 1e-12) | (difference > band[1] + 1e-12)).any())


@pytest.mark.parametrize(("n", "prob"), [(60, 0.95), (2000, 0.8)])
def test_band_holds_whole_curves_as_often_as_it_says(n, prob):
    rng, band = np.random.default_rng(1), simultaneous_band(n, AT, prob)
    inside = np.mean([not leaves(rng.uniform(size=n), band) for _ in range(SAMPLES)])
    error = np.sqrt(prob * (1 - prob) * (1 / SAMPLES + 1 / 2000))  # the band is simulated too
    assert prob - 4 * error < inside < prob + 4 * error + 0.02  # counts are whole numbers


def test_band_finds_a_spread_that_is_wrong():
    rng, band = np.random.default_rng(2), simultaneous_band(500, AT, 0.95)
    assert leaves(rng.beta(0.6, 0.6, size=500), band) and leaves(rng.beta(1.5, 1.5, size=500), band)


def test_difference_is_of_shares_up_to_each_point():
    np.testing.assert_allclose(
        ecdf_difference(np.array([0.25, 0.9]), np.array([0.2, 0.25, 0.5])), [-0.2, 0.25, 0]
    )


def test_curve_is_that_of_the_fit(cafes):
    [ax] = cafes.plot.loo_pit(prob=0.9).get_axes()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", hm.ComparisonWarning)
        pit = cafes.loo_pit()["wait"].values
    curve = ax.lines[1]
    x = curve.get_xdata()
    np.testing.assert_allclose(curve.get_ydata(), ecdf_difference(pit, x), atol=1e-12)
    assert len(x) == len(pit) + 1
    low, high = simultaneous_band(len(pit), x[1:-1], 0.9)
    drawn = ax.collections[0].get_datalim(ax.transData)
    np.testing.assert_allclose([drawn.y0, drawn.y1], [low.min(), high.max()])
    said = "leaves" if leaves(pit, (low, high), x[1:-1]) else "inside"
    assert ax.get_title(loc="left") == f"wait: {said} the band"


def test_every_outcome_has_a_panel(crossed):
    titles = [ax.get_title(loc="left").split(":")[0] for ax in crossed.plot.loo_pit().get_axes()]
    assert titles == ["u", "v"]
    assert len(crossed.plot.loo_pit("v").get_axes()) == 1


def test_a_model_with_too_small_a_sigma_leaves_the_band(cafes, monkeypatch):
    narrow = xr.Dataset({"wait": ("row", np.random.default_rng(3).beta(0.5, 0.5, 96))})
    monkeypatch.setattr(hm.Fit, "loo_pit", lambda fit: narrow)
    [ax] = cafes.plot.loo_pit().get_axes()
    assert ax.get_title(loc="left") == "wait: leaves the band"


def test_errors_teach(crossed):
    with pytest.raises(hm.HmlmError, match="resp = 'w': no such outcome"):
        crossed.plot.loo_pit("w")
    with pytest.raises(hm.HmlmError, match="prob = 95"):
        crossed.plot.loo_pit(prob=95)
    unread = dataclasses.replace(crossed, row_blocks_fn=None)
    with pytest.raises(hm.HmlmError, match="this needs the data|loo_pit needs the fit"):
        unread.plot.loo_pit()
