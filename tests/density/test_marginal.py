"""Effects integrated out: density, gradient and recovery against one dense multivariate normal."""

from __future__ import annotations

from functools import cache

import jax
import jax.numpy as jnp
import numpy as np
import pandas as pd
import pytest

import hmlm as hm
from hmlm.density.integrate import draw
from hmlm.density.log_density import group_effects, log_density
from hmlm.density.precision import double_precision
from hmlm.density.state import moments_at, prior_of_integrated, state_at
from hmlm.formula.bf import as_model_formula, set_rescor

from .dense import conditional_moments, dense_log_density
from .program_sites import FAST_COMPILE

SIZES = np.array([1, 2, 30, 8, 1, 13, 15])


def table(sizes: np.ndarray = SIZES) -> pd.DataFrame:
    """Rows in groups of these sizes (70 in 7 groups of 1 to 30), three outcomes."""
    rng = np.random.default_rng(5)
    g = np.repeat(np.arange(len(sizes)), sizes)
    rng.shuffle(g)
    n = len(g)
    frame = pd.DataFrame({"g": g, "x": rng.normal(size=n), "w": rng.normal(3.0, 1.0, n)})
    frame["h"] = rng.integers(0, 4, n)
    frame["ward"] = rng.integers(0, 3, n)
    frame["f"] = rng.choice(["a", "b"], n)
    frame["half"] = np.where(g % 2, "odd", "even")
    frame["between"] = rng.normal(size=len(sizes))[g]
    for name in ("y1", "y2", "y3"):
        frame[name] = 10 + frame.x + rng.normal(size=len(sizes))[g] + rng.normal(size=n)
    return frame


VARYING = {1: "1", 2: "1 + x", 3: "1 + x + w"}
SIGMA = {
    "constant": None,
    "cells": "~ 0 + f",
    "groups": "~ 1 + between + (1 | c | g)",
    "rows": "~ 1 + w + (1 | c | g)",
}


def formula(n_coefficients: int, n_outcomes: int, sigma: str):
    right = f"1 + x + w + ({VARYING[n_coefficients]} | c | g)"
    dpars = {} if SIGMA[sigma] is None else {"sigma": SIGMA[sigma]}
    outcomes = [hm.bf(f"y{m + 1} ~ {right}", **dpars) for m in range(n_outcomes)]
    whole = as_model_formula(outcomes)
    return whole + set_rescor(True) if n_outcomes > 1 else whole


def slow(case: tuple | str):
    """A case that takes long to compile."""
    return pytest.param(case, marks=pytest.mark.nightly)


CASES = [
    *((q, 1, sigma) for q in (1, 2, 3) for sigma in SIGMA),
    *((1, 2, sigma) for sigma in SIGMA),
    (2, 2, "constant"),
    (1, 3, "constant"),
    *(slow(case) for case in ((2, 2, "rows"), (3, 2, "constant"), (1, 3, "rows"))),
]


@cache
def density(n_coefficients: int, n_outcomes: int, sigma: str):
    return hm.model(formula(n_coefficients, n_outcomes, sigma), table()).log_density


def points(density, n: int = 2) -> list:
    rng = np.random.default_rng(1)
    return [jnp.asarray(density.initial + 0.5 * rng.normal(size=density.size)) for _ in range(n)]


CROSSED = {
    "crossed": "1 + x + ({v} | c | g) + ({v} | d | h)",
    "nested": "1 + x + ({v} | c | g) + ({v} | d | g:ward)",
    "chain": "1 + x + ({v} | c | g) + (1 | g:ward) + ({v} | d | g:ward:f)",
    "three": "1 + x + ({v} | c | g) + (1 | h) + (1 | ward)",
    "twice": "1 + x + ({v} || g) + ({v} || h)",
    "by": "1 + x + ({v} | gr(g, by = half)) + (1 | h)",
}


@cache
def crossed_density(design: str, n_coefficients: int, sigma: str, n_outcomes: int = 1):
    right = CROSSED[design].format(v=VARYING[n_coefficients])
    if n_outcomes > 1:
        assert "|| " not in right
    dpars = {} if SIGMA[sigma] is None else {"sigma": SIGMA[sigma]}
    outcomes = [hm.bf(f"y{m + 1} ~ {right}", **dpars) for m in range(n_outcomes)]
    whole = as_model_formula(outcomes)
    return hm.model(whole + set_rescor(True) if n_outcomes > 1 else whole, table()).log_density


dense = jax.jit(
    jax.value_and_grad(dense_log_density, argnums=1), static_argnums=0, compiler_options=FAST_COMPILE
)
structured = jax.jit(
    jax.value_and_grad(log_density, argnums=1), static_argnums=0, compiler_options=FAST_COMPILE
)


def assert_equals_dense(fast, atol: float, n_points: int = 2) -> None:
    """Value (to a relative 1e-10 and ``atol``) and gradient are those of one dense normal."""
    with double_precision():
        for x in points(fast, n_points):
            value, gradient = structured(fast.static, x, fast.data)
            expected, dense_gradient = dense(fast.static, x, fast.data)
            np.testing.assert_allclose(value, expected, rtol=1e-10, atol=atol)
            np.testing.assert_allclose(gradient, dense_gradient, rtol=1e-8, atol=1e-7)


@pytest.mark.parametrize("case", CASES, ids=str)
def test_density_and_gradient_equal_the_dense_normal(case):
    assert_equals_dense(density(*case), atol=1e-8)


@pytest.mark.parametrize(
    "case",
    [
        *((design, 1, "constant", 1) for design in CROSSED),
        slow(("crossed", 3, "constant", 1)),
        ("crossed", 2, "rows", 1),
        ("crossed", 1, "cells", 1),
        ("crossed", 2, "constant", 2),
        slow(("crossed", 1, "constant", 3)),
        ("nested", 2, "constant", 1),
        slow(("nested", 1, "rows", 2)),
        *(
            slow(case)
            for case in (("nested", 3, "cells", 1), ("chain", 2, "rows", 1), ("three", 2, "rows", 1))
        ),
    ],
    ids=str,
)
def test_crossed_and_nested_factors_equal_the_dense_normal(case):
    fast = crossed_density(*case)
    assert len(fast.plan.factors) == (3 if case[0] in ("three", "chain") else 2)
    assert fast.plan.nested == (case[0] in ("nested", "chain"))
    assert_equals_dense(fast, atol=1e-8)


@pytest.mark.parametrize("sigma", ["constant", "rows"])
def test_groups_of_1_to_500_rows(sigma):
    fast = hm.model(formula(2, 1, sigma), table(np.array([1, 500, 7, 1, 60, 2]))).log_density
    assert fast.data.model.columns[0].size < 1.25 * 571
    assert_equals_dense(fast, atol=0.0, n_points=1)


@pytest.mark.parametrize(
    "sigma,used", [("constant", True), ("groups", True), ("cells", True), ("rows", False)]
)
def test_statistics_replace_rows_where_cells_are_few(sigma, used):
    assert (density(2, 1, sigma).data.statistics is not None) == used


@pytest.mark.parametrize(
    "case",
    [
        slow((3, 1, "constant")),
        (2, 1, "rows"),
        slow((1, 2, "groups")),
        slow((1, 3, "rows")),
        "crossed",
        "nested",
        slow("three"),
        slow("chain"),
    ],
    ids=str,
)
def test_recovered_effects_have_the_exact_conditional_moments(case):
    fast = crossed_density(case, 1, "constant") if isinstance(case, str) else density(*case)
    x = points(fast, 1)[0]
    with double_precision():
        state = state_at(fast.static, x, fast.data)
        prior = prior_of_integrated(fast.static, state.parameters, fast.data)
        moments = moments_at(fast.static, state.parameters, state.u, fast.data)
        mean, covariance = conditional_moments(fast, x)
        effects = lambda noise: jnp.concatenate([u.ravel() for u in draw(moments, prior, noise)])
        root = jax.jacobian(effects)(jnp.zeros(len(mean)))
        np.testing.assert_allclose(effects(jnp.zeros(len(mean))), mean, atol=1e-9)
        np.testing.assert_allclose(root @ root.T, covariance, atol=1e-9)


def test_effects_are_the_same_at_each_call_and_for_each_seed_others():
    fast = density(2, 1, "rows")
    x = np.stack(points(fast))
    first, again, other = fast.effects(x, seed=1), fast.effects(x, seed=1), fast.effects(x, seed=2)
    np.testing.assert_array_equal(first[0], again[0])
    n = fast.plan.blocks[0].n_sampled
    np.testing.assert_array_equal(first[0][..., :n], other[0][..., :n])
    assert not np.allclose(first[0][..., n:], other[0][..., n:])


def test_the_gradient_costs_the_same_for_more_rows():
    """Statistics leave no array of N rows in the program."""
    fast = density(2, 1, "constant")
    with double_precision():
        gradient = jax.jit(jax.grad(log_density, argnums=1), static_argnums=0)
        text = gradient.lower(fast.static, jnp.asarray(fast.initial), fast.data).as_text()
    body = text.split("@main", 1)[1].split("{", 1)[1]
    assert f"tensor<{SIZES.sum()}x" not in body and f"x{SIZES.sum()}x" not in body


def test_an_empty_cell_of_a_level_and_a_level_of_one_row_are_fine():
    fast = density(3, 2, "constant")
    with double_precision():
        keys = jax.random.key(0)
        u = group_effects(fast.static, points(fast, 1)[0], keys, fast.data)
    assert np.isfinite(u[0]).all()
