"""Chains that share starting points."""

from __future__ import annotations

import numpy as np
import pytest

from hmlm.infer.driver import sample
from hmlm.infer.initial import starting_points
from hmlm.infer.placement import Placement
from hmlm.infer.settings import Settings
from hmlm.infer.superchains import n_superchains, superchain_index, superchains_of

from .small_model import small_model


@pytest.mark.parametrize(
    ("chains", "n"), [(1, 1), (4, 4), (31, 31), (32, 8), (37, 8), (127, 8), (128, 16), (4096, 16)]
)
def test_how_many(chains, n):
    assert n_superchains(chains) == n


def test_many_chains_take_turns_at_a_few_points():
    density = small_model().log_density
    points = starting_points(density, 37, seed=1)
    assert len(np.unique(points, axis=0)) == 8 and superchains_of(points) == 8
    np.testing.assert_array_equal(points, points[superchain_index(37, 8)])
    np.testing.assert_array_equal(points[:4], starting_points(density, 4, seed=1))


def test_points_that_are_shared_otherwise_are_no_superchains():
    points = np.random.default_rng(0).normal(size=(8, 3))
    assert superchains_of(points) == 0
    assert superchains_of(np.zeros((8, 3))) == 0
    assert superchains_of(np.repeat(points[:4], 2, axis=0)) == 0
    assert superchains_of(np.tile(points[:4], (2, 1))) == 4


def test_a_run_says_how_its_chains_started_and_advanced():
    run = sample(small_model().log_density, Settings(chains=32, warmup=20, draws=5, seed=1, algorithm="nuts"))
    assert (run.superchains, run.together) == (8, 1)
    assert len(np.unique(run.draws.position[:, -1], axis=0)) == 32


class Mesh:
    size = 4


def test_chains_of_one_device_advance_together():
    assert Placement(1, 8, None, 1).together == 8
    assert Placement(1, 8, Mesh(), 1).together == 2
