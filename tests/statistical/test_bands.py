"""The bands: right ranks leave them as often as they may, wrong ones are outside."""

from __future__ import annotations

import numpy as np
import pytest

from .bands import critical, departure, outside

L, R = 99, 300


@pytest.fixture
def rng() -> np.random.Generator:
    return np.random.default_rng(7)


@pytest.mark.parametrize("level", [0.01, 0.1])
def test_uniform_ranks_leave_the_bands_as_often_as_stated(rng, level):
    """Another stream of random numbers than the Monte Carlo's own; 4 binomial standard errors."""
    n = 4000
    share = np.mean(departure(rng.integers(0, L + 1, (n, R)), L) < critical(R, L, level))
    assert abs(share - level) < 4 * np.sqrt(level * (1 - level) / n)


def test_many_quantities_share_one_level():
    """With ten quantities each band is as wide as that of a tenth of the level."""
    assert critical(R, L, 0.001) < critical(R, L, 0.01) < critical(R, L, 0.05)


def test_the_equal_tailed_value_of_a_single_point():
    """With one draw a rank is a fair coin: gamma is its two-sided binomial p-value."""
    assert departure(np.zeros(10, int), 1) == pytest.approx(2 * 0.5**10)


@pytest.mark.parametrize(
    "wrong",
    [
        lambda rng: rng.integers(15, L + 1, R),
        lambda rng: np.rint(L * rng.beta(2.0, 2.0, R)),
        lambda rng: np.rint(L * rng.beta(0.5, 0.5, R)),
    ],
    ids=["biased", "too wide", "too narrow"],
)
def test_wrong_ranks_are_outside(rng, wrong):
    ranks = {"right": rng.integers(0, L + 1, R), "wrong": wrong(rng)}
    assert list(outside(ranks, L)) == ["wrong"]
