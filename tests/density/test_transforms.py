"""The log density under JAX's transformations, and what it computes when called with batches."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import hmlm as hm
from hmlm.density.coordinates import Coordinates
from hmlm.density.log_density import log_density

from ..helpers import density, even, points
from .program_sites import draws_and_effects

SOME = ("scale_shared", "rescor_one_scale")


@pytest.fixture(params=SOME)
def evaluated(request):
    return density(request.param, Coordinates.INFORMED)


def test_compiled_equals_eager_and_batches_equal_loops(evaluated):
    x = points(evaluated, 3)
    each = np.array([evaluated(row) for row in x])
    with jax.enable_x64(True):
        eager = log_density(evaluated.static, jnp.asarray(x[0]), evaluated.data)
        batch = jax.jit(jax.vmap(lambda row: log_density(evaluated.static, row, evaluated.data)))
        np.testing.assert_allclose(batch(jnp.asarray(x)), each, rtol=1e-12)
    assert float(eager) == pytest.approx(each[0], rel=1e-12)


def test_value_and_gradient_belong_together(evaluated):
    x, step = points(evaluated, 1)[0], 1e-4
    value, gradient = evaluated.value_and_grad(x)
    assert float(value) == pytest.approx(float(evaluated(x)), rel=1e-12)
    direction = np.random.default_rng(0).normal(size=evaluated.size)
    above, below = (float(evaluated(x + sign * step * direction)) for sign in (1, -1))
    assert np.asarray(gradient) @ direction == pytest.approx((above - below) / (2 * step), rel=1e-5)


def test_draws_of_any_shape_equal_draws_one_by_one(evaluated):
    x = points(evaluated, 6).reshape(2, 3, -1)
    draws, effects = evaluated.constrain(x), evaluated.effects(x)
    wanted, wanted_effects = draws_and_effects(evaluated, x.reshape(6, -1))
    assert tuple(draws) == evaluated.names
    for name, values in draws.items():
        np.testing.assert_allclose(values, wanted[name].reshape(2, 3), rtol=1e-10, err_msg=name)
    for u, one_by_one in zip(effects, wanted_effects, strict=True):
        np.testing.assert_allclose(u, one_by_one.reshape(2, 3, *one_by_one.shape[1:]), rtol=1e-9, atol=1e-12)


def test_new_data_of_equal_shape_never_trace_again():
    prior = [hm.prior("normal(0, 5)", class_=class_) for class_ in ("Intercept", "b", "sd", "sigma")]
    densities = [hm.model("y ~ x + (1 + x | g)", even(seed), prior=prior).log_density for seed in (0, 1)]
    traces = []

    def counted(static, x, data):
        traces.append(1)
        return log_density(static, x, data)

    compiled = jax.jit(counted, static_argnums=0)
    with jax.enable_x64(True):
        values = [compiled(d.static, jnp.asarray(d.initial), d.data) for d in densities]
    assert len(traces) == 1
    assert values[0] != values[1]
    assert densities[0].static == densities[1].static
