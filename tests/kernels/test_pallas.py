"""The Mosaic kernels, interpreted, against the plain ones: no GPU is here to run them on."""

from __future__ import annotations

from functools import partial
from types import SimpleNamespace

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from hmlm.kernels import pallas, reference
from hmlm.kernels.fused import fused
from hmlm.kernels.pallas import mosaic

from .likelihoods import make_cells, make_rows
from .test_reference import tiled

SIZES = (3, 0, 130)  # the last needs two tiles
plain_rows = jax.jit(reference.evaluate_rows, static_argnums=0)
plain_cells = jax.jit(reference.evaluate_cells, static_argnums=0)
evaluate_rows = partial(pallas.evaluate_rows, interpret=True)
evaluate_cells = partial(pallas.evaluate_cells, interpret=True)


@pytest.fixture(autouse=True)
def double_everywhere():
    """The interpreter's callbacks run in threads of their own, where a context's precision is not known."""
    before = jax.config.jax_enable_x64
    jax.config.update("jax_enable_x64", True)
    yield
    jax.config.update("jax_enable_x64", before)


def row_arguments(case):
    tiling, data = pallas.tile_rows(case.index, case.groups, case.columns, case.outcomes)
    offset = None if case.offset is None else jnp.asarray(tiling.place(case.offset))
    return case.terms, data, case.point._replace(offset=offset)


def cell_arguments(case):
    return case.terms, pallas.lane_cells(case.data, case.terms.groups), case.point


def agree(got, expected, tolerance):
    """Relative to the largest entry of each array."""
    assert jax.tree.structure(got) == jax.tree.structure(expected)
    for one, other in zip(jax.tree.leaves(got), jax.tree.leaves(expected), strict=True):
        np.testing.assert_allclose(one, other, rtol=tolerance, atol=tolerance * np.abs(other).max())


def single(tree):
    return jax.tree.map(lambda part: part.astype(jnp.float32) if part.dtype == jnp.float64 else part, tree)


@pytest.mark.parametrize("kind", [(1, 1, False), (2, 1, True), (3, 2, True)], ids=str)
def test_rows(kind):
    case = make_rows(*kind, SIZES)
    terms, data, point = row_arguments(case)
    got = jax.jit(evaluate_rows, static_argnums=0)(terms, data, point)
    agree(got, plain_rows(*tiled(case, mosaic.LANES)), 1e-10)


@pytest.mark.parametrize(
    "kind",
    [
        (1, 1, 1, "constant"),
        (3, 2, 1, "constant"),
        (2, 1, 2, "varying"),
        (3, 2, 2, "varying"),
        (2, 2, 1, "shifted"),
    ],
    ids=str,
)
def test_cells(kind):
    case = make_cells(*kind)
    terms, data, point = cell_arguments(case)
    got = jax.jit(evaluate_cells, static_argnums=0)(terms, data, point)
    agree(got, plain_cells(case.terms, case.data, case.point), 1e-10)


def test_single_precision():
    case = make_rows(2, 1, False, (5, 9))
    terms, data, point = row_arguments(case)
    got = jax.jit(evaluate_rows, static_argnums=0)(terms, single(data), single(point))
    assert {part.dtype for part in jax.tree.leaves(got)} == {jnp.dtype(jnp.float32)}
    agree(got, plain_rows(*tiled(case, mosaic.LANES)), 1e-4)


@pytest.mark.parametrize(
    ("evaluate", "arguments"),
    [
        (evaluate_rows, lambda: row_arguments(make_rows(1, 1, True, (2, 3)))),
        (evaluate_cells, lambda: cell_arguments(make_cells(1, 1, 2, "varying"))),
    ],
    ids=["rows", "cells"],
)
def test_chains_together_are_one_launch_and_equal_each_alone(evaluate, arguments):
    terms, data, point = arguments()
    points = jax.tree.map(lambda part: jnp.stack([part, 0.9 * part]), point)
    one = jax.value_and_grad(partial(fused, evaluate, terms), argnums=1)
    both = jax.vmap(one, in_axes=(None, 0))
    launches = str(jax.make_jaxpr(both)(data, points)).count("mpmd_map[")
    got = jax.jit(both)(data, points)
    alone = jax.jit(one)(data, jax.tree.map(lambda part: part[1], points))
    agree(jax.tree.map(lambda part: part[1], got), alone, 1e-12)
    assert launches == 1


def gpu(**attributes):
    return SimpleNamespace(device_kind="a device", **attributes)


@pytest.mark.parametrize(
    ("device", "expected"),
    [
        (gpu(platform="gpu", compute_capability="9.0"), True),
        (gpu(platform="gpu", compute_capability="10.0"), True),
        (gpu(platform="gpu", compute_capability="8.9"), False),
        (gpu(platform="gpu", compute_capability="gfx942"), False),
        (gpu(platform="cpu"), False),
    ],
    ids=["H100", "B200", "L4", "AMD", "CPU"],
)
def test_supported_on_hopper_and_newer(device, expected):
    assert pallas.supported(device) is expected
    assert (pallas.missing(device) is None) is expected


def test_without_mosaic_nothing_is_supported(monkeypatch):
    monkeypatch.setattr(mosaic, "plgpu", None)
    assert "no Mosaic" in pallas.missing(gpu(platform="gpu", compute_capability="9.0"))
    assert not pallas.available()
