"""Single precision: programs for GPUs hold no float64, and give the same gradient."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from hmlm.density.coordinates import Coordinates
from hmlm.density.log_density import LogDensity, log_density

from ..helpers import density, points
from .program_sites import FAST_COMPILE

MAIN = ("correlated", "crossed", "scale", "rescor_scale", "uneven")


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


@pytest.mark.parametrize("name", ["correlated", "scale_shared", "rescor_of_three"])
def test_single_precision_agrees_with_double(name):
    evaluated = density(name, Coordinates.INFORMED)
    compiled, x = value_and_grad_of(evaluated), points(evaluated, 1)[0]
    single = compiled(*in_single_precision((x, evaluated.data)))
    with jax.enable_x64(True):
        double = compiled(jnp.asarray(x), evaluated.data)
    assert (single[1].dtype, double[1].dtype) == (jnp.float32, jnp.float64)
    np.testing.assert_allclose(single[0], double[0], rtol=1e-4)
    np.testing.assert_allclose(single[1], double[1], rtol=0, atol=1e-3 * np.linalg.norm(double[1]))
