"""Equal columns are kept once; multiples by group fold into others and give the same predictor."""

import numpy as np

from hmlm.density.columns import Columns

RNG = np.random.default_rng(0)
INDEX = RNG.permutation(np.repeat(np.arange(6), 5))
WITHIN = RNG.normal(size=30)
BETWEEN = RNG.normal(size=6)[INDEX]


def folded(*columns: np.ndarray) -> tuple[Columns, list]:
    known = Columns(INDEX, 6)
    return known, [known.fold(column) for column in columns]


def test_a_column_that_is_constant_within_groups_folds_into_the_constant():
    known, (part,) = folded(BETWEEN)
    assert len(known.array()) == 1 and part.position == 0
    np.testing.assert_allclose(part.multiplier[INDEX], BETWEEN)


def test_an_interaction_with_a_group_level_column_folds_into_the_other():
    known, (main, product) = folded(WITHIN, WITHIN * BETWEEN)
    assert len(known.array()) == 2 and main.multiplier is None and product.position == main.position
    np.testing.assert_allclose(product.multiplier[INDEX] * WITHIN, WITHIN * BETWEEN, rtol=1e-13)


def test_zeros_within_a_column_do_not_hide_a_multiple():
    dummy = np.where(WITHIN > 0, 1.0, 0.0)
    known, (_, product) = folded(dummy, dummy * BETWEEN)
    assert len(known.array()) == 2
    np.testing.assert_allclose(product.multiplier[INDEX] * dummy, dummy * BETWEEN)


def test_other_columns_are_kept_and_equal_ones_once():
    known, (a, b, again) = folded(WITHIN, WITHIN**2, WITHIN)
    assert [a.position, b.position, again.position] == [1, 2, 1] and len(known.array()) == 3
