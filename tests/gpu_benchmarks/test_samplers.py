"""A row of the table of samplers, from one short fit."""

from __future__ import annotations

from dataclasses import replace

import pytest

from gpu_benchmarks.samplers import HEADER, SAMPLERS, row
from gpu_benchmarks.sizes import CPU, GPU, SIZES, TINY

from .tiny import table


def test_a_row_is_one_run_of_that_sampler():
    size = replace(SIZES[TINY], warmup=100, draws=100)
    named = dict(zip(HEADER, row("m1", "NUTS", 2, table(), size, seed=1), strict=True))
    assert (named["sampler"], named["chains"], named["draws"]) == ("NUTS", 2, "100 + 100")
    assert 0 < named["smallest bulk ESS"] < 1000
    assert named["ESS/s of sampling"] == pytest.approx(named["smallest bulk ESS"] / named["sampling s"])
    both = named["warm-up s"] + named["sampling s"]
    assert named["ESS/s with warm-up"] == pytest.approx(named["smallest bulk ESS"] / both)
    assert named["compile s"] > 0 < named["warm-up s"]


@pytest.mark.parametrize("platform", [CPU, GPU])
def test_every_sampler_has_numbers_of_chains_from_4_on(platform):
    assert all(min(sampler.chains[platform]) >= 4 for sampler in SAMPLERS.values())
