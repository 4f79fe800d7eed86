"""Nested R-hat against its formula, ArviZ, draws that agree and chains that started apart."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from scipy import stats

from hmlm.infer.superchains import superchain_index
from hmlm.results.convergence import convergence
from hmlm.results.nested import nested_rhats
from hmlm.types import HmlmError

from .conftest import MELSM, build


def by_hand(draws: np.ndarray, index: list[int]) -> float:
    """Nested R-hat of draws (C, S) as the paper writes it, loop by loop, neither ranked nor halved."""
    means, variances = [], []
    for k in sorted(set(index)):
        chains = [draws[c] for c in range(len(draws)) if index[c] == k]
        centres = [sum(chain) / len(chain) for chain in chains]
        mean = sum(centres) / len(centres)
        between = sum((centre - mean) ** 2 for centre in centres) / (len(centres) - 1)
        within = [
            sum((x - centre) ** 2 for x in chain) / (len(chain) - 1)
            for chain, centre in zip(chains, centres, strict=True)
        ]
        means.append(mean)
        variances.append(between + sum(within) / len(within))
    overall = sum(means) / len(means)
    b = sum((mean - overall) ** 2 for mean in means) / (len(means) - 1)
    return (1 + b / (sum(variances) / len(variances))) ** 0.5


def ranked_by_hand(draws: np.ndarray, index: list[int]) -> float:
    half = draws.shape[1] // 2
    halves = np.vstack([draws[:, :half], draws[:, -half:]])
    normal = [
        stats.norm.ppf((stats.rankdata(x) - 3 / 8) / (x.size + 1 / 4)).reshape(halves.shape)
        for x in (halves, np.abs(halves - np.median(halves)))
    ]
    return max(by_hand(values, [*index, *index]) for values in normal)


@pytest.mark.parametrize("index", [[0, 0, 1, 1, 2, 2], [0, 1, 0, 1, 0, 1], [5, 5, 5, 5, 9, 9]])
@pytest.mark.parametrize("draws", [7, 12])
def test_it_is_the_formula(index, draws):
    values = np.random.default_rng(draws).normal(size=(3, 6, draws)) + np.array(index)[:, None]
    expected = [ranked_by_hand(one, index) for one in values]
    np.testing.assert_allclose(nested_rhats(values, np.array(index)), expected, rtol=1e-12)


def test_it_is_arviz_where_superchains_are_equal():
    from arviz_stats.base import array_stats

    values = np.random.default_rng(0).normal(size=(4, 32, 11))
    index = superchain_index(32, 8)
    expected = array_stats.rhat_nested(values, index, chain_axis=1, draw_axis=2)
    np.testing.assert_allclose(nested_rhats(values, index), expected, rtol=1e-12)


def test_draws_that_agree_have_about_one_plus_their_noise():
    """``sqrt(1 + K / ESS)``: the larger of bulk and folded, so a little more."""
    values = np.random.default_rng(1).normal(size=(200, 128, 10))
    found = nested_rhats(values, superchain_index(128, 16))
    assert np.sqrt(1 + 16 / 1280) - 0.001 < found.mean() < np.sqrt(1 + 1.5 * 16 / 1280)


def started_apart(forgotten: float) -> np.ndarray:
    """(1, 128, 20) chains of 16 superchains whose starts, far apart, are forgotten to this share."""
    rng = np.random.default_rng(2)
    starts = 3 * rng.normal(size=16)[superchain_index(128, 16)]
    return (rng.normal(size=(128, 20)) + (1 - forgotten) * starts[:, None])[None]


def test_chains_that_started_apart_are_found():
    index = superchain_index(128, 16)
    assert nested_rhats(started_apart(0.0), index) > 2
    assert nested_rhats(started_apart(0.8), index) > 1.1
    assert nested_rhats(started_apart(1.0), index) < 1.01


def test_chains_that_differ_within_superchains_only_are_not_its_business():
    """What differs is their noise, not where they came from: half R-hat is near 1.1 for these."""
    rng = np.random.default_rng(3)
    values = rng.normal(size=(1, 512, 20)) + 0.5 * rng.normal(size=(1, 512, 1))
    assert convergence(values).rhat > 1.09
    assert convergence(values, superchains=16).rhat < 1.01


@pytest.mark.filterwarnings("error")
def test_degenerate_draws_have_none():
    values = np.random.default_rng(0).normal(size=(3, 32, 8))
    values[0], values[1, 0, 0] = 1.0, np.nan
    found = convergence(values, superchains=8).rhat
    assert np.isnan(found[:2]).all() and np.isfinite(found[2])
    assert np.isnan(convergence(values[..., :3], superchains=8).rhat).all()


@pytest.fixture
def many():
    return build(dataclasses.replace(MELSM, chains=64, draws=20, superchains=8))


def test_the_summary_has_it(many):
    np.testing.assert_array_equal(many.summary()["Rhat"], many.nested_rhat())
    assert list(many.nested_rhat().index) == list(many.summary().index)


def test_superchains_can_be_said(many):
    assert many.nested_rhat(8).equals(many.nested_rhat())
    halves = [c // 32 for c in range(64)]
    expected = nested_rhats(many.values, np.array(halves))
    np.testing.assert_array_equal(many.nested_rhat(superchains=halves), expected)


@pytest.mark.parametrize(
    ("superchains", "message"),
    [
        (1, "of 64 chains there can be 2 to 32"),
        (33, "2 to 32"),
        ([0, 1], "names 2 chains, and the fit has 64"),
        ([0] * 63 + [1], "each with two chains"),
        (0, "started each for itself"),
    ],
)
def test_superchains_that_cannot_be(many, superchains, message):
    with pytest.raises(HmlmError, match=message):
        many.nested_rhat(superchains)


def test_a_fit_without_superchains_says_so(melsm):
    with pytest.raises(HmlmError, match="started each for itself"):
        melsm.nested_rhat()
