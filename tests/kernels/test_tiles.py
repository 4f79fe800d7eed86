"""Tiles against plain indexing: every row once, groups of any size, sums and spreads without an index."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from hmlm.kernels.tiles import make_tiling

from ..nights import by_night

SIZES = {
    "equal": [4] * 5,
    "one group": [7],
    "single rows": [1] * 6,
    "1 to 500": [1, 500, 2, 3, 134, 5, 8, 13, 21, 1, 60],
    "an empty group": [3, 0, 2],
    "uneven with empty groups": [0, 200, 1, 0, 1, 3],
}


@pytest.fixture(params=by_night(SIZES, "an empty group", "uneven with empty groups"))
def index(request) -> tuple[np.ndarray, int]:
    rows = np.repeat(np.arange(len(SIZES[request.param])), SIZES[request.param])
    return np.random.default_rng(0).permutation(rows), len(SIZES[request.param])


def test_every_row_stands_once_in_a_tile_of_its_group(index):
    groups, n_groups = index
    tiling = make_tiling(groups, n_groups)
    inside = tiling.rows >= 0
    np.testing.assert_array_equal(np.sort(tiling.rows[inside]), np.arange(len(groups)))
    placed = tiling.place(groups.astype(float), fill=np.nan)
    assert all(len(np.unique(tile[~np.isnan(tile)])) <= 1 for tile in placed)
    np.testing.assert_array_equal(placed.ravel()[tiling.order()], groups)


@pytest.mark.parametrize("lead", [(), (2, 3)], ids=str)
def test_sums_and_spreads_and_their_derivatives(index, lead):
    groups, n_groups = index
    rng = np.random.default_rng(1)
    rows, values = rng.normal(size=(*lead, len(groups))), rng.normal(size=(*lead, n_groups))
    tiling = make_tiling(groups, n_groups)
    with jax.enable_x64(True):
        placed = jnp.asarray(tiling.place(rows))
        sums, back = jax.vjp(tiling.tiles.reduce, placed)
        expected = np.zeros((*lead, n_groups))
        np.add.at(expected, (..., groups), rows)
        np.testing.assert_allclose(sums, expected, atol=1e-12)
        spread = np.asarray(back(jnp.asarray(values))[0]).reshape(*lead, -1)[..., tiling.order()]
        np.testing.assert_array_equal(spread, values[..., groups])
        weighted = lambda v: jnp.sum(tiling.tiles.expand(v) * placed)
        np.testing.assert_allclose(jax.grad(weighted)(jnp.asarray(values)), expected, atol=1e-12)


def test_equal_groups_need_no_index_and_uneven_ones_little_padding():
    assert make_tiling(np.repeat(np.arange(50), 40), 50).tiles.owner is None
    sizes = np.array(SIZES["1 to 500"])
    tiling = make_tiling(np.repeat(np.arange(len(sizes)), sizes), len(sizes))
    assert tiling.tiles.owner is not None
    assert tiling.rows.size < 1.5 * sizes.sum()
