"""The Mosaic kernels, interpreted, against the plain ones: no GPU is here to run them on."""

from __future__ import annotations

from functools import partial
from types import SimpleNamespace

import jax
import jax.numpy as jnp
import pytest

from hmlm.kernels import pallas
from hmlm.kernels.fused import fused
from hmlm.kernels.pallas import mosaic
from tests.kernels import reference
from tests.kernels.likelihoods import Sizes, make_cells, make_point, make_rows, make_terms, relative_error
from tests.kernels.test_reference import tiled

ROWS = (3, 0, 130)  # the last need two tiles
plain_rows = jax.jit(reference.evaluate_rows, static_argnums=0)
plain_cells = jax.jit(reference.evaluate_cells, static_argnums=0)
evaluate_rows = jax.jit(partial(pallas.evaluate_rows, interpret=True), static_argnums=0)
evaluate_cells = jax.jit(partial(pallas.evaluate_cells, interpret=True), static_argnums=0)


@pytest.fixture(autouse=True)
def double_everywhere():
    """The interpreter's callbacks run in threads of their own, where a context's precision is not known."""
    before = jax.config.jax_enable_x64
    jax.config.update("jax_enable_x64", True)
    yield
    jax.config.update("jax_enable_x64", before)


def row_problem(effects: int, outcomes: int, offset: bool, rows_of_groups: tuple[int, ...] = ROWS):
    """Terms, rows as the kernel takes them and as the plain one does, and the point."""
    size = Sizes(effects, outcomes, 3, rows_of_groups)
    rows, terms = make_rows(size, 2), make_terms(size, 2)
    plain, point = tiled(rows, make_point(size, terms, 2, offset), mosaic.LANES)
    _, data = pallas.tile_rows(rows.index, len(rows.sizes), rows.columns, rows.outcomes)
    return terms, data, plain, jax.tree.map(jnp.asarray, point)


def cell_problem(effects: int, outcomes: int, per_group: int, constant: bool, shifted: bool):
    """The same of cells of 130 groups, which need two programs."""
    size = Sizes(effects, outcomes, 2, (0, 3, 5) + (1,) * 127)
    terms, data, point, _ = make_cells(size, per_group, constant, shifted, 2)
    data, point = jax.tree.map(jnp.asarray, (data, point))
    return terms, pallas.lane_cells(data, terms.groups), data, point


def single(tree):
    return jax.tree.map(lambda part: part.astype(jnp.float32) if part.dtype == jnp.float64 else part, tree)


def nightly(*case):
    """A case that takes too long for every run: interpreted kernels are slow."""
    return pytest.param(*case, marks=pytest.mark.nightly)


@pytest.mark.parametrize(
    ("effects", "outcomes", "offset"), [(0, 1, False), (2, 1, True), nightly(3, 2, True)]
)
def test_rows(effects, outcomes, offset):
    terms, data, plain, point = row_problem(effects, outcomes, offset)
    assert relative_error(evaluate_rows(terms, data, point), plain_rows(terms, plain, point)) < 1e-10


@pytest.mark.parametrize(
    ("effects", "outcomes", "per_group", "constant", "shifted"),
    [
        (1, 1, 1, True, False),
        (1, 2, 1, True, True),
        nightly(3, 2, 2, False, True),
        nightly(2, 1, 2, True, False),
    ],
)
def test_cells(effects, outcomes, per_group, constant, shifted):
    terms, data, plain, point = cell_problem(effects, outcomes, per_group, constant, shifted)
    assert relative_error(evaluate_cells(terms, data, point), plain_cells(terms, plain, point)) < 1e-10


def test_single_precision():
    terms, data, plain, point = row_problem(2, 1, False, (5, 9))
    got = evaluate_rows(terms, single(data), single(point))
    assert {part.dtype for part in jax.tree.leaves(got)} == {jnp.dtype(jnp.float32)}
    assert relative_error(got, plain_rows(terms, plain, point)) < 1e-4


@pytest.mark.parametrize(
    ("evaluate", "problem"),
    [
        (evaluate_rows, lambda: row_problem(1, 1, True, (2, 3))),
        (evaluate_cells, lambda: cell_problem(1, 1, 2, False, True)),
    ],
    ids=["rows", "cells"],
)
def test_chains_together_are_one_launch_and_equal_each_alone(evaluate, problem):
    terms, data, _, point = problem()
    points = jax.tree.map(lambda part: jnp.stack([part, 0.9 * part]), point)
    one = jax.value_and_grad(partial(fused, evaluate, terms), argnums=1)
    both = jax.vmap(one, in_axes=(None, 0))
    assert str(jax.make_jaxpr(both)(data, points)).count("mpmd_map[") == 1
    got = jax.tree.map(lambda part: part[1], jax.jit(both)(data, points))
    assert relative_error(got, jax.jit(one)(data, jax.tree.map(lambda part: part[1], points))) < 1e-12


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
    monkeypatch.setattr(mosaic, "mosaic", lambda: None)
    assert "no Mosaic" in pallas.missing(gpu(platform="gpu", compute_capability="9.0"))
    assert not pallas.available()
