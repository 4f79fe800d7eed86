"""The native kernels against one dense normal per group, in both precisions, through jit, vmap and grad."""

from __future__ import annotations

from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from hmlm.density.precision import double_precision
from hmlm.kernels.fused import fused
from hmlm.kernels.native.bundles import BundledRows, bundle_rows, make_bundling
from hmlm.kernels.native.cells import evaluate_cells
from hmlm.kernels.native.informed import Known, informed
from hmlm.kernels.native.library import INSTRUCTIONS, available, instructions
from hmlm.kernels.native.rows import evaluate_rows
from tests.kernels.likelihoods import (
    InformedPoint,
    Sizes,
    dense_informed,
    dense_rows,
    inner,
    make_cells,
    make_directions,
    make_known,
    make_point,
    make_rows,
    make_terms,
    random_factor,
    relative_error,
    slopes,
)

pytestmark = pytest.mark.skipif(not available(), reason="the native kernels were not compiled")

TOLERANCE = {np.float64: 1e-10, np.float32: 1e-4}
BEST = instructions()

sizes = st.builds(
    Sizes,
    effects=st.integers(0, 4),
    outcomes=st.integers(1, 3),
    columns=st.integers(1, 4),
    rows=st.lists(st.integers(0, 9), min_size=1, max_size=11).map(tuple),
)
seeds = st.integers(0, 2**16)
examples = partial(settings, deadline=None, database=None, phases=(Phase.generate,))


def bundled(rows) -> BundledRows:
    return bundle_rows(rows.index, len(rows.sizes), rows.columns, rows.outcomes)


def as_type(tree, dtype):
    cast = lambda x: jnp.asarray(x, dtype) if jnp.issubdtype(jnp.result_type(x), jnp.floating) else x  # noqa: E731
    return jax.tree.map(cast, tree)


def in_bundles(rows, point):
    """A point, or a direction, whose offset is in bundles instead of row by row."""
    if point.offset is None:
        return point
    bundling = make_bundling(rows.index, len(rows.sizes))
    return point._replace(offset=np.stack([bundling.place(part).swapaxes(0, 1) for part in point.offset]))


def check(evaluate, problem, dtype, place=lambda point: point) -> None:
    """Value, and derivatives in directions of every argument, against the dense value."""
    terms, data, point, dense = problem
    value, gradient = jax.jit(jax.value_and_grad(partial(fused, evaluate, terms), argnums=1))(
        as_type(data, dtype), as_type(place(point), dtype)
    )
    compare(value, gradient, dense, point, TOLERANCE[dtype], place)


def compare(value, gradient, dense, point, tolerance: float, place=lambda point: point) -> None:
    """A kernel's results against the dense value and its derivatives; scales are those of what was summed."""
    directions = make_directions(point, seed=0)
    assert relative_error(value, dense(point)) < tolerance
    for direction, expected in zip(directions, slopes(dense, point, directions), strict=True):
        moved = place(direction)
        scale = inner(jax.tree.map(np.abs, gradient), jax.tree.map(np.abs, moved))
        assert abs(inner(gradient, moved) - expected) < tolerance * max(1.0, scale)


def check_rows(size: Sizes, seed: int, offset: bool, dtype) -> None:
    rows, terms = make_rows(size, seed), make_terms(size, seed)
    point = make_point(size, terms, seed, offset)
    problem = terms, bundled(rows), point, partial(dense_rows, terms, rows)
    check(evaluate_rows, problem, dtype, partial(in_bundles, rows))


@pytest.mark.parametrize("dtype", TOLERANCE)
@examples(max_examples=25)
@given(sizes, seeds, st.booleans())
def test_rows_agree_with_the_dense_normal(dtype, size: Sizes, seed: int, offset: bool) -> None:
    with double_precision():
        check_rows(size, seed, offset, dtype)


@pytest.mark.parametrize("effects", range(10))
@pytest.mark.parametrize("outcomes", (1, 2))
def test_rows_with_any_number_of_effects(effects: int, outcomes: int) -> None:
    with double_precision():
        check_rows(Sizes(effects, outcomes, 3, (5, 1, 40, 7, 3, 2, 9, 4, 0, 90)), effects, False, np.float64)


@pytest.mark.parametrize("dtype", TOLERANCE)
@examples(max_examples=25)
@given(sizes, seeds, st.integers(1, 3), st.booleans(), st.booleans())
def test_cells_agree_with_the_dense_normal(
    dtype, size: Sizes, seed: int, per_group: int, constant: bool, shifted: bool
) -> None:
    with double_precision():
        check(
            evaluate_cells, make_cells(size, per_group, constant, shifted and size.effects > 0, seed), dtype
        )


@pytest.mark.parametrize("dtype", TOLERANCE)
@examples(max_examples=25)
@given(st.integers(1, 4), st.integers(0, 2), st.integers(0, 2), st.integers(1, 3), st.integers(1, 40), seeds)
def test_informed_coordinates_agree_with_dense_algebra(dtype, n, more, beyond, n_beta, groups, seed) -> None:
    rng = np.random.default_rng(seed)
    s, total = n + more, n + more + beyond
    known = make_known(rng, s, n_beta, groups)
    point = InformedPoint(rng.normal(size=(n, groups)), random_factor(rng, total), rng.normal(size=n_beta))
    weights = rng.normal(size=(total, groups))

    def dense(point: InformedPoint) -> complex:
        u, log_density = dense_informed(known, point)
        return 0.7 * log_density + np.sum(weights * u)

    def native(point: InformedPoint, known: Known):
        u, log_density = informed(*point, known)
        return 0.7 * log_density + jnp.sum(weights.astype(u.dtype) * u)

    with double_precision():
        value, gradient = jax.jit(jax.value_and_grad(native))(as_type(point, dtype), as_type(known, dtype))
    compare(value, gradient, dense, point, 10 * TOLERANCE[dtype])


@pytest.mark.parametrize("wanted", range(BEST + 1), ids=INSTRUCTIONS.__getitem__)
def test_every_instruction_set_gives_the_same(wanted: int) -> None:
    with double_precision():
        try:
            assert instructions(wanted) == wanted
            for dtype in TOLERANCE:
                check_rows(Sizes(2, 2, 3, (5, 1, 60, 7, 3, 2, 9, 4, 0)), 3, True, dtype)
        finally:
            instructions(BEST)


def test_vmap_over_chains_is_one_call() -> None:
    size = Sizes(2, 1, 3, (5, 1, 40, 7, 3))
    with double_precision():
        rows, terms = make_rows(size, 1), make_terms(size, 1)
        points = [make_point(size, terms, seed, offset=False) for seed in range(3)]
        stacked = jax.tree.map(lambda *parts: jnp.stack(parts), *points)
        shared = stacked._replace(factor=jnp.asarray(points[0].factor))
        axes = type(shared)(0, 0, 0, None, None)
        value = jax.value_and_grad(partial(fused, evaluate_rows, terms), argnums=1)
        batched = jax.vmap(value, in_axes=(None, axes))
        text = jax.jit(batched).lower(bundled(rows), shared).as_text()
        assert text.count("custom_call @hmlm_rows_f64") == 1
        found = batched(bundled(rows), shared)
        for i, point in enumerate(points):
            alone = value(bundled(rows), point._replace(factor=points[0].factor))
            assert relative_error(jax.tree.map(lambda part: part[i], found), alone) < 1e-14  # noqa: B023


@pytest.mark.parametrize("bad", (np.nan, np.inf, -np.inf, 1e3, -1e3, 1e6))
@pytest.mark.parametrize("part", ("mean", "scale", "factor"))
def test_what_is_not_finite_stays_so(bad: float, part: str) -> None:
    """A proposal out of range must be rejected: its log density is never a finite number that is wrong."""
    size = Sizes(2, 1, 2, (5, 1, 40, 7, 3))
    with double_precision():
        rows, terms = make_rows(size, 1), make_terms(size, 1)._replace(mean=((0, 0),), scale=((0, 0),))
        point = make_point(size, terms, 1, offset=False)
        array = np.array(getattr(point, part))
        array[0, 0] = bad
        value = float(fused(evaluate_rows, terms, bundled(rows), point._replace(**{part: array})))
        with np.errstate(all="ignore"):
            expected = float(dense_rows(terms, rows, point._replace(**{part: array})))
        if np.isfinite(value) and np.isfinite(expected):
            assert value == pytest.approx(expected, rel=1e-3)
        else:
            assert not np.isfinite(value) or value < -1e3 or expected > 1e10


def test_large_problems_on_several_threads_add_up_the_same() -> None:
    size = Sizes(2, 1, 4, tuple(range(1, 900)))
    with double_precision():
        rows, terms = make_rows(size, 1), make_terms(size, 1)
        point = make_point(size, terms, 1, offset=False)
        value = jax.jit(jax.value_and_grad(partial(fused, evaluate_rows, terms), argnums=1))
        first, second = value(bundled(rows), point), value(bundled(rows), point)
        for a, b in zip(jax.tree.leaves(first), jax.tree.leaves(second), strict=True):
            np.testing.assert_array_equal(a, b)
        few = np.flatnonzero(np.isin(rows.index, (3, 300)))
        of = rows._replace(
            columns=rows.columns[:, few], outcomes=rows.outcomes[:, few], index=rows.index[few]
        )
        for part in ("mean", "scale"):
            direction = jax.tree.map(np.zeros_like, point)
            getattr(direction, part)[:, [3, 300]] = 1.0
            (expected,) = slopes(partial(dense_rows, terms, of), point, [direction])
            assert inner(first[1], direction) == pytest.approx(expected, rel=1e-9)


@pytest.mark.parametrize("sizes", ((1,), (0,), (3, 0, 5), (4000, 1, 2, 3), tuple(range(30)), (50,) * 17))
def test_bundles_hold_every_row_once(sizes: tuple[int, ...]) -> None:
    index = np.random.default_rng(0).permutation(np.repeat(np.arange(len(sizes)), sizes))
    bundling = make_bundling(index, len(sizes))
    rows = bundling.rows[bundling.rows >= 0]
    assert sorted(rows) == list(range(len(index)))
    for b, group in enumerate(bundling.group):
        block = bundling.rows[bundling.start[b] : bundling.start[b + 1]]
        for lane in range(8):
            inside = block[block[:, lane] >= 0, lane]
            assert np.all(index[inside] == group[lane])
    assert set(bundling.group[bundling.group >= 0]) == set(range(len(sizes)))
