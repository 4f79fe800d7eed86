"""``fit.diagnostics()`` against numbers by hand."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from arviz_stats.base import array_stats

from hmlm.results.energies import bfmi

SHAPE = (4, 250)


def test_a_row_per_chain_counted_from_one(melsm, change_stats):
    depth = np.where(np.arange(250) < 25, 10, 3) + np.zeros(SHAPE, int)
    diverging = np.zeros(SHAPE, bool)
    diverging[1, :4] = True
    frame = change_stats(melsm, tree_depth=depth, diverging=diverging).diagnostics()
    assert list(frame.index) == [1, 2, 3, 4] and frame.index.name == "chain"
    assert list(frame["divergences"]) == [0, 4, 0, 0]
    np.testing.assert_allclose(frame["saturated"], 0.1)
    np.testing.assert_allclose(frame["tree_depth"], 3.7)
    np.testing.assert_allclose(frame["gradients"], 15 * 250)
    np.testing.assert_allclose(
        frame["acceptance_rate"], melsm.sample_stats["acceptance_rate"].values.mean(axis=1)
    )


def test_efficiency_is_the_smallest_ess_over_the_cost(melsm, change_draws):
    slow = np.random.default_rng(0).normal(size=SHAPE)
    for s in range(1, 250):
        slow[:, s] = 0.9 * slow[:, s - 1] + np.sqrt(1 - 0.81) * slow[:, s]
    fit = change_draws(melsm, b_day=slow)
    frame = fit.diagnostics()
    by_hand = [
        min(array_stats.ess(fit.values[p, c][None], method="bulk") for p in range(len(fit.values)))
        for c in range(4)
    ]
    np.testing.assert_allclose(frame["ess"], by_hand)
    np.testing.assert_allclose(frame["ess_per_gradient"], frame["ess"] / (15 * 250))
    np.testing.assert_allclose(frame["ess_per_second"], frame["ess"] / 4.2)


def test_waste_of_chains_that_advance_together(melsm, change_stats):
    steps = np.ones(SHAPE, int)
    steps[0] = 3
    steps[3, :125] = 7
    fit = change_stats(melsm, n_steps=steps)
    assert list(fit.diagnostics()["wasted"]) == [0, 0, 0, 0]
    pairs = dataclasses.replace(fit, info=dataclasses.replace(fit.info, together=2))
    wasted = pairs.diagnostics()["wasted"]
    np.testing.assert_allclose(wasted, [0, 1 - 1 / 3, 1 - 250 / (7 * 125 + 125), 0])
    every = dataclasses.replace(fit, info=dataclasses.replace(fit.info, together=4)).diagnostics()["wasted"]
    longest = 7 * 125 + 3 * 125
    assert every.mean() == pytest.approx(1 - steps.sum() / (4 * longest))


@pytest.mark.filterwarnings("error")
def test_energies(melsm, change_stats):
    """Independent energies have an E-BFMI of 2, a random walk's is near 0, a constant's unknown."""
    energy = np.random.default_rng(0).normal(size=SHAPE)
    energy[1] = np.cumsum(energy[1])
    energy[2] = 5.0
    found = change_stats(melsm, energy=energy).diagnostics()["ebfmi"].to_numpy()
    np.testing.assert_allclose(found[[0, 3]], 2, atol=0.4)
    assert found[1] < 0.1 and np.isnan(found[2])
    by_hand = sum((energy[0, n] - energy[0, n - 1]) ** 2 for n in range(1, 250)) / 249
    assert bfmi(energy)[0] == pytest.approx(by_hand / energy[0].var())


def test_a_sampler_without_statistics_has_ess(melsm):
    bare = dataclasses.replace(melsm, sample_stats=melsm.sample_stats[[]])
    assert list(bare.diagnostics().columns) == ["ess", "ess_per_second"]


def test_trajectory_length_where_the_sampler_has_it(melsm, change_stats):
    frame = change_stats(melsm, trajectory_length=np.full(SHAPE, 1.5)).diagnostics()
    assert list(frame["trajectory_length"]) == [1.5] * 4


def test_draws_of_the_prior_have_a_row(melsm):
    one = dataclasses.replace(
        melsm, posterior=melsm.posterior.isel(chain=[0]), sample_stats=melsm.sample_stats[[]]
    )
    assert len(one.diagnostics()) == 1
