"""Spreading over rows and summing by group against plain indexing, with groups of any size."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from hmlm.kernels.segments import make_segments

from ..nights import by_night

SIZES = {
    "equal": [4] * 5,
    "one group": [7],
    "single rows": [1] * 6,
    "uneven": [1, 60, 2, 3, 34, 5, 8, 13, 21],
    "an empty group": [3, 0, 2],
    "uneven with empty groups": [0, 200, 1, 0, 1, 3],
}


@pytest.fixture(params=by_night(SIZES, "an empty group", "uneven with empty groups"))
def index(request) -> np.ndarray:
    """Group numbers of shuffled rows."""
    rows = np.repeat(np.arange(len(SIZES[request.param])), SIZES[request.param])
    return np.random.default_rng(0).permutation(rows), len(SIZES[request.param])


def summed(rows: np.ndarray, groups: np.ndarray, n_groups: int) -> np.ndarray:
    out = np.zeros((*rows.shape[:-1], n_groups))
    for j in range(n_groups):
        out[..., j] = rows[..., groups == j].sum(-1)
    return out


@pytest.mark.parametrize("lead", [(), (2, 3)], ids=str)
def test_expand_and_reduce_are_indexing_and_sums(index, lead):
    groups, n_groups = index
    rng = np.random.default_rng(1)
    rows, values = rng.normal(size=(*lead, len(groups))), rng.normal(size=(*lead, n_groups))
    with jax.enable_x64(True):
        segments = make_segments(groups, n_groups)
        np.testing.assert_array_equal(segments.expand(jnp.asarray(values)), values[..., groups])
        sums = segments.reduce(jnp.asarray(rows))
        np.testing.assert_allclose(sums, summed(rows, groups, n_groups), atol=1e-12)


def test_derivatives_are_those_of_plain_indexing(index):
    groups, n_groups = index
    rng = np.random.default_rng(2)
    with jax.enable_x64(True):
        segments = make_segments(groups, n_groups)
        rows = jnp.asarray(rng.normal(size=(2, len(groups))))
        values = jnp.asarray(rng.normal(size=(2, n_groups)))
        spread, back = jax.vjp(lambda v: segments.expand(v), values)
        plain, plain_back = jax.vjp(lambda v: v[:, groups], values)
        np.testing.assert_array_equal(spread, plain)
        np.testing.assert_allclose(back(rows)[0], plain_back(rows)[0], atol=1e-12)
        _, back = jax.vjp(lambda r: segments.reduce(r), rows)
        _, plain_back = jax.vjp(lambda r: jnp.zeros((2, n_groups)).at[:, groups].add(r), rows)
        np.testing.assert_array_equal(back(values)[0], plain_back(values)[0])


def test_second_derivatives_pass_through_both():
    groups = np.array([0, 1, 1, 2])
    with jax.enable_x64(True):
        segments = make_segments(groups, 3)
        gradient = jax.grad(lambda v: jnp.sum(segments.reduce(segments.expand(v) ** 3)))
        values = jnp.array([1.0, 2.0, 3.0])
        np.testing.assert_allclose(
            jax.jacrev(gradient)(values), np.diag(6 * np.array([1.0, 2.0, 3.0]) * [1, 2, 1])
        )


def test_batches_of_values_by_vmap():
    groups = np.array([2, 0, 1, 2, 2])
    values = np.random.default_rng(3).normal(size=(4, 3))
    with jax.enable_x64(True):
        segments = make_segments(groups, 3)
        out = jax.vmap(lambda v: segments.reduce(segments.expand(v)))(jnp.asarray(values))
    np.testing.assert_allclose(out, values * [1, 1, 3])


def test_buckets_hold_every_row_once_and_groups_of_similar_size(index):
    groups, n_groups = index
    segments = make_segments(groups, n_groups)
    rows = np.concatenate([np.ravel(bucket) for bucket in segments.buckets])
    np.testing.assert_array_equal(np.sort(rows[rows < len(groups)]), np.arange(len(groups)))
    assert rows.max(initial=0) <= len(groups)
    if len(segments.buckets) > 1:
        for bucket in segments.buckets:
            sizes = (np.asarray(bucket) < len(groups)).sum(1)
            assert sizes.max() <= 2 * max(sizes.min(), 1)


def test_uneven_groups_come_in_several_buckets():
    sizes = SIZES["uneven"]
    segments = make_segments(np.repeat(np.arange(len(sizes)), sizes), len(sizes))
    assert len(segments.buckets) > 3
    assert sum(bucket.size for bucket in segments.buckets) < 2 * sum(sizes)
