"""Sums and products have the same value and gradient in both forms, and sums of nothing are zero."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax import lax

from hmlm.kernels.combine import combine
from hmlm.kernels.eliminate import eliminate
from hmlm.kernels.fusing import FEW, add_up, product, together

SIZES = (1, 3, FEW + 1)


@pytest.fixture(params=["cpu", "other"])
def form(request, monkeypatch):
    """One form or the other, whatever the platform."""
    pick = {"cpu": lambda cpu, default: cpu, "other": lambda cpu, default: default}[request.param]
    monkeypatch.setattr(lax, "platform_dependent", lambda *args, cpu, default: pick(cpu, default)(*args))


def normal(*shape: int) -> np.ndarray:
    return np.random.default_rng(shape).normal(size=shape)


def check(function, plain, *arguments: np.ndarray) -> None:
    """Equal values, and equal gradients of a weighted sum of them, to the last arguments."""
    with jax.enable_x64(True):
        arguments = tuple(jnp.asarray(argument) for argument in arguments)
        got, back = jax.vjp(function, *arguments)
        wanted, plain_back = jax.vjp(plain, *arguments)
        np.testing.assert_allclose(got, wanted, rtol=1e-12, atol=1e-12)
        weights = jnp.asarray(normal(*wanted.shape))
        for one, other in zip(back(weights), plain_back(weights), strict=True):
            np.testing.assert_allclose(one, other, rtol=1e-11, atol=1e-12)


@pytest.mark.parametrize("size", SIZES)
def test_product(size, form):
    check(product, lambda a, b: jnp.einsum("pq,qj->pj", a, b), normal(4, size), normal(size, 7))


@pytest.mark.parametrize("size", SIZES)
def test_combine(size, form):
    rows = normal(size, 2, 7)
    plain = lambda weights: jnp.einsum("bm,bqj->mqj", weights, rows)
    check(lambda weights: combine(weights, jnp.asarray(rows)), plain, normal(size, 3))


@pytest.mark.parametrize("size", [0, *SIZES])
def test_add_up(size, form):
    plain = lambda a, b: jnp.sum(a) + jnp.sum(b)
    check(add_up, plain, normal(size), normal(2))


@pytest.mark.parametrize("size", [1, 3, 4])
def test_eliminate(size, form):
    rows = normal(size, size + 2, 7)
    precision = np.einsum("anj,bnj->abj", rows, rows)
    factor = np.tril(normal(size, size)) + 2 * np.eye(size)

    def plain(precision, score, factor):
        lower = jnp.tril(factor)
        inner = jnp.eye(size) + jnp.einsum("ca,cdj,db->jab", lower, precision, lower)
        right = jnp.einsum("ca,cj->ja", lower, score)
        quadratic = jnp.einsum("ja,ja->j", right, jnp.linalg.solve(inner, right[..., None])[..., 0])
        return 0.5 * (quadratic - jnp.linalg.slogdet(inner)[1])

    check(eliminate, plain, precision, normal(size, 7), factor)


def test_together_changes_nothing(form):
    def both(a, b):
        a, b = together(a, b)
        return jnp.sum(a) * b

    check(both, lambda a, b: jnp.sum(a) * b, normal(2, 3), normal(4))
