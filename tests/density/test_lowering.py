"""What the compiler gets: no scatter, and for GPUs a program in float32 alone."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from hmlm.density.coordinates import Coordinates
from hmlm.density.log_density import LogDensity, log_density

from ..helpers import DESIGNS, KINDS, density, points
from .program_sites import FAST_COMPILE

MAIN = ("correlated", "crossed", "scale", "rescor_scale", "uneven")
INFORMED = [(name, Coordinates.INFORMED) for name in DESIGNS]
OTHERS = [(name, kind) for name in MAIN for kind in KINDS if kind is not Coordinates.INFORMED]


@pytest.mark.parametrize(("name", "kind"), [*INFORMED, *OTHERS])
def test_gradient_has_no_scatter(name, kind):
    evaluated = density(name, kind)
    with jax.enable_x64(True):
        gradient = jax.jit(jax.grad(log_density, argnums=1), static_argnums=0)
        text = gradient.lower(evaluated.static, jnp.asarray(evaluated.initial), evaluated.data).as_text()
    assert "scatter" not in text


def in_single_precision(tree):
    """Floating-point leaves as float32, on the host."""
    leaves = jax.tree.map(np.asarray, tree)
    return jax.tree.map(lambda a: a.astype(np.float32) if a.dtype.kind == "f" else a, leaves)


def value_and_grad_of(evaluated: LogDensity):
    def value_and_grad(x, data):
        return jax.value_and_grad(log_density, argnums=1)(evaluated.static, x, data)

    return jax.jit(value_and_grad, compiler_options=FAST_COMPILE)


@pytest.mark.parametrize("name", MAIN)
def test_single_precision_exports_for_cuda_without_doubles(name):
    evaluated = density(name, Coordinates.INFORMED)
    arguments = in_single_precision((evaluated.initial, evaluated.data))
    compiled = value_and_grad_of(evaluated)
    text = jax.export.export(compiled, platforms=["cuda"])(*arguments).mlir_module()
    assert "f32" in text
    assert "f64" not in text
    assert "scatter" not in text


@pytest.mark.parametrize("name", ["correlated", "scale", "rescor_of_three", "uneven"])
def test_single_precision_agrees_with_double(name):
    evaluated = density(name, Coordinates.INFORMED)
    compiled, x = value_and_grad_of(evaluated), points(evaluated, 1)[0]
    single = compiled(*in_single_precision((x, evaluated.data)))
    with jax.enable_x64(True):
        double = compiled(jnp.asarray(x), evaluated.data)
    assert (single[1].dtype, double[1].dtype) == (jnp.float32, jnp.float64)
    np.testing.assert_allclose(single[0], double[0], rtol=1e-4)
    np.testing.assert_allclose(single[1], double[1], rtol=0, atol=1e-3 * np.linalg.norm(double[1]))
