"""Nested elimination against one dense matrix over all effects: value, gradient, moments of draws."""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from hmlm.density.precision import double_precision
from hmlm.kernels.nested import draw_nested, eliminate_nested
from hmlm.kernels.segments import make_segments

from ..nights import by_night

PARENT = np.array([0, 0, 1, 1, 1, 2, 0])
GRANDPARENT = np.array([0, 1, 0, 1])  # of four parents, the last without children
CASES = {"two": ((2, 1), [PARENT]), "three": ((1, 2, 1), [PARENT, GRANDPARENT]), "one": ((3,), [])}


@pytest.fixture(params=by_night(CASES, "two", "one"))
def problem(request):
    sizes, parents = CASES[request.param]
    rng = np.random.default_rng(len(sizes))
    rows = rng.normal(size=(len(PARENT), 5, sum(sizes)))
    rows[2] = 0.0  # a level without rows
    precision = jnp.asarray(np.einsum("jna,jnb->abj", rows, rows))
    score = jnp.asarray(np.einsum("jna,jn->aj", rows, rng.normal(size=rows.shape[:2])))
    n_levels = [len(PARENT), 4, 2][: len(sizes)]
    segments = tuple(make_segments(p, n) for p, n in zip(parents, n_levels[1:], strict=True))
    return sizes, precision, score, segments, _carriers(sizes, parents, n_levels)


@pytest.fixture(autouse=True)
def _double():
    with double_precision():
        yield


def _carriers(sizes, parents, n_levels) -> np.ndarray:
    """(Q, J, E): which of all E effects each coefficient of a finest level is."""
    level = np.arange(n_levels[0])
    out, start = [], 0
    for i, (size, n) in enumerate(zip(sizes, n_levels, strict=True)):
        level = parents[i - 1][level] if i else level
        for q in range(size):
            out.append(start + q * n + level)
        start += size * n
    return np.eye(start)[np.array(out)]


def whole(precision, score, carriers):
    A = jnp.einsum("abj,ajs,bjt->st", precision, carriers, carriers)
    return A + jnp.eye(len(A)), jnp.einsum("aj,ajs->s", score, carriers)


def dense(precision, score, carriers):
    A, v = whole(precision, score, carriers)
    return 0.5 * v @ jnp.linalg.solve(A, v) - 0.5 * jnp.linalg.slogdet(A)[1]


def test_value_and_gradient_equal_the_dense_integral(problem):
    sizes, precision, score, parents, carriers = problem
    fast = jax.value_and_grad(lambda a, v: eliminate_nested(sizes, a, v, parents), argnums=(0, 1))
    value, gradient = fast(precision, score)
    expected, dense_gradient = jax.value_and_grad(dense, argnums=(0, 1))(precision, score, carriers)
    np.testing.assert_allclose(value, expected, rtol=1e-12)
    np.testing.assert_allclose(gradient[0], dense_gradient[0], atol=1e-10)
    np.testing.assert_allclose(gradient[1], dense_gradient[1], atol=1e-10)


def test_draws_have_the_exact_moments(problem):
    sizes, precision, score, parents, carriers = problem
    n_levels = [precision.shape[-1], 4, 2][: len(sizes)]
    stops = np.cumsum([size * n for size, n in zip(sizes, n_levels, strict=True)])

    def draw(noise):
        parts = [p.reshape(size, -1) for p, size in zip(jnp.split(noise, stops[:-1]), sizes, strict=True)]
        return jnp.concatenate([x.ravel() for x in draw_nested(sizes, precision, score, parents, parts)])

    A, v = whole(precision, score, carriers)
    zero = jnp.zeros(len(A))
    root = jax.jacobian(draw)(zero)
    np.testing.assert_allclose(draw(zero), jnp.linalg.solve(A, v), atol=1e-10)
    np.testing.assert_allclose(root @ root.T, jnp.linalg.inv(A), atol=1e-10)
