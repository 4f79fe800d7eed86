"""Single precision gives the value and the gradient of double precision, as far as it goes."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from hmlm.density.log_density import log_density

from ..helpers import planned, points
from .programs import as_type


@pytest.mark.parametrize("choice", ["auto", "informed"])
@pytest.mark.parametrize("name", ["correlated", "scale_shared", "rescor_of_three"])
def test_single_precision_agrees_with_double(name, choice):
    of = planned(name, choice)
    compiled, x = value_and_grad_of(of.static), points(of, 1)[0]
    single = compiled(*as_type((x, of.data), np.float32))
    with jax.enable_x64(True):
        double = compiled(jnp.asarray(x), of.data)
    assert (single[1].dtype, double[1].dtype) == (jnp.float32, jnp.float64)
    np.testing.assert_allclose(single[0], double[0], rtol=1e-4)
    np.testing.assert_allclose(single[1], double[1], rtol=0, atol=1e-3 * np.linalg.norm(double[1]))


def value_and_grad_of(static):
    def value_and_grad(x, data):
        return jax.value_and_grad(log_density, argnums=1)(static, x, data)

    return jax.jit(value_and_grad, compiler_options={"xla_backend_optimization_level": 0})
