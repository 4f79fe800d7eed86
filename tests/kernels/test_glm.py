"""The native kernel for canonical links against its definition: both precisions, jit, vmap and grad."""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from hmlm.density.precision import double_precision
from hmlm.kernels.fused import fused
from hmlm.kernels.glm import Canonical, GlmTerms
from hmlm.kernels.native.glm import bundle_glm, evaluate_glm
from hmlm.kernels.native.library import INSTRUCTIONS, available, instructions

pytestmark = pytest.mark.skipif(not available(), reason="the native kernels were not compiled")

SIZES = {"even": (4,) * 9, "uneven": (0, 1, 2, 3, 40, 0, 7), "one": (23,), "many": tuple(range(20))}
COLUMNS = (0, 2, 1, 2)  # a column may have several coefficients
TOLERANCE = {"float64": 1e-12, "float32": 3e-5}


def cumulant(link: Canonical, eta):
    return jnp.logaddexp(0.0, eta) if link is Canonical.LOGIT else jnp.exp(eta)


class Rows:
    """Random rows in groups of ``sizes``, their coefficients, and the definition's value."""

    def __init__(self, sizes, seed=0, spread=1.0):
        rng = np.random.default_rng(seed)
        self.index = rng.permutation(np.repeat(np.arange(len(sizes)), sizes))
        self.columns = rng.normal(size=(3, len(self.index)))
        self.n = rng.integers(1, 5, len(self.index)).astype(float)
        self.y = rng.integers(0, self.n + 1).astype(float)
        self.point = rng.normal(0, spread, (len(COLUMNS), len(sizes)))
        self.data = (self.index, len(sizes), self.columns, self.y, self.n)

    def value(self, link, point):
        eta = jnp.sum(self.columns[list(COLUMNS)] * point[:, self.index], axis=0)
        return jnp.sum(self.y * eta - self.n * cumulant(link, eta))


def evaluate(link, rows, point, dtype="float64"):
    data = jax.tree.map(
        lambda a: a.astype(dtype) if jnp.issubdtype(a.dtype, jnp.floating) else a, bundle_glm(*rows.data)
    )
    return evaluate_glm(GlmTerms(COLUMNS, link), data, jnp.asarray(point, dtype))


@pytest.fixture(autouse=True)
def double():
    with double_precision():
        yield


@pytest.fixture(params=range(len(INSTRUCTIONS)), ids=INSTRUCTIONS)
def instruction_set(request):
    best = instructions()
    if request.param > best:
        pytest.skip("not on this processor")
    instructions(request.param)
    yield
    instructions(best)


@pytest.mark.parametrize("dtype", TOLERANCE)
@pytest.mark.parametrize("sizes", SIZES)
@pytest.mark.parametrize("link", Canonical)
def test_value_and_gradient_are_the_definitions(link, sizes, dtype, instruction_set):
    rows = Rows(SIZES[sizes])
    value, gradient = evaluate(link, rows, rows.point, dtype)
    wanted, slope = jax.value_and_grad(lambda point: rows.value(link, point))(jnp.asarray(rows.point))
    rtol = TOLERANCE[dtype]
    np.testing.assert_allclose(value, wanted, rtol=rtol, atol=rtol)
    np.testing.assert_allclose(gradient, slope, rtol=rtol, atol=rtol * np.abs(slope).max())


@pytest.mark.parametrize("link", Canonical)
def test_chains_together_are_chains_one_by_one(link):
    rows = Rows(SIZES["uneven"])
    points = np.stack([rows.point, -rows.point, 2 * rows.point])
    together = jax.vmap(lambda point: evaluate(link, rows, point))(jnp.asarray(points))
    for i, point in enumerate(points):
        np.testing.assert_array_equal(together[0][i], evaluate(link, rows, point)[0])
        np.testing.assert_array_equal(together[1][i], evaluate(link, rows, point)[1])


def test_large_problems_in_parts_are_the_sum_of_the_rows():
    rows = Rows((100,) * 900)
    value, gradient = evaluate(Canonical.LOGIT, rows, rows.point)
    wanted, slope = jax.value_and_grad(lambda p: rows.value(Canonical.LOGIT, p))(jnp.asarray(rows.point))
    np.testing.assert_allclose(value, wanted, rtol=1e-11)
    np.testing.assert_allclose(gradient, slope, rtol=1e-9, atol=1e-9)


def test_far_out_predictors_neither_overflow_nor_lose_the_slope():
    rows = Rows(SIZES["even"], spread=300.0)
    value, gradient = evaluate(Canonical.LOGIT, rows, rows.point)
    wanted, slope = jax.value_and_grad(lambda p: rows.value(Canonical.LOGIT, p))(jnp.asarray(rows.point))
    np.testing.assert_allclose(value, wanted, rtol=1e-12)
    np.testing.assert_allclose(gradient, slope, rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_what_is_no_number_shows(bad):
    rows = Rows(SIZES["even"])
    rows.point[0, 0] = bad
    for link in Canonical:
        value, _ = evaluate(link, rows, rows.point)
        assert not np.isfinite(value)


def test_reverse_mode_uses_the_kernels_gradient():
    rows = Rows(SIZES["many"])
    data = bundle_glm(*rows.data)
    terms = GlmTerms(COLUMNS, Canonical.LOG)
    gradient = jax.grad(lambda point: 3.0 * fused(evaluate_glm, terms, data, point))(jnp.asarray(rows.point))
    np.testing.assert_allclose(gradient, 3.0 * evaluate(Canonical.LOG, rows, rows.point)[1], rtol=1e-12)
