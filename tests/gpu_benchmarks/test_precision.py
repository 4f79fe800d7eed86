"""Float32 against float64 on the CPU, as a GPU is held against it."""

from __future__ import annotations

import jax
import numpy as np
import pytest

from gpu_benchmarks.chains import Where, posterior, start_group
from gpu_benchmarks.precision import GRADIENTS, POSTERIORS, gradient_rows, parameters, places, posterior_rows
from hmlm.infer.settings import Settings

from ..nights import by_night
from .tiny import model

SETTINGS = Settings(chains=2, warmup=50, draws=50, seed=1, chunk=50)


def test_the_first_place_is_the_one_that_others_are_held_against():
    assert [where.label for where in places()] == ["cpu float64", "cpu float32"]


def test_single_precision_is_near_and_not_equal():
    (row,) = gradient_rows("m1", model("m1").log_density)
    named = dict(zip(GRADIENTS, row, strict=True))
    assert named["where"] == "cpu float32"
    assert 0 < named["largest error of gradient"] < 1e-3
    assert 0 < named["largest error of value"] < 1e-4
    assert named["not finite"] == 0


@pytest.mark.parametrize("dtype", by_night(["float32", "float64"], "float32"))
def test_a_group_of_chains_is_in_its_type_throughout(dtype):
    group = start_group(model("m1").log_density, SETTINGS, Where(jax.devices()[0], dtype))
    after, draws = group.advance(group.program.algorithm.chunk)
    floats = [leaf.dtype for leaf in jax.tree.leaves(after.state) if leaf.dtype.kind == "f"]
    assert {str(found) for found in floats} == {dtype} == {str(draws.position.dtype)}


def test_draws_are_those_after_warm_up_in_every_place():
    density = model("m1").log_density
    reference, other = posterior_rows("m1", density, SETTINGS)
    assert dict(zip(POSTERIORS, reference, strict=True))["largest z of means"] is None
    named = dict(zip(POSTERIORS, other, strict=True))
    assert (named["where"], named["draws"]) == ("cpu float32", "50 + 50")
    assert np.isfinite(named["largest z of means"])
    assert named["largest ratio of standard deviations"] >= 1
    draws = posterior(density, SETTINGS, places()[0])
    assert draws.position.shape == (2, 50, density.size)
    assert parameters(density, draws).shape == (len(density.names), 2, 50)
