"""Double precision inside, the user's global JAX flags untouched."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from hmlm.density.coordinates import Coordinates

from ..helpers import density, stated


def test_evaluation_is_float64_without_the_global_flag():
    evaluated = density("varying_slope", Coordinates.INFORMED)
    value, gradient = evaluated.value_and_grad(evaluated.initial)
    assert (value.dtype, gradient.dtype) == (jnp.float64, jnp.float64)
    assert evaluated(evaluated.initial).dtype == jnp.float64
    assert {values.dtype for values in evaluated.constrain(evaluated.initial).values()} == {np.dtype("f8")}
    assert {u.dtype for u in evaluated.effects(evaluated.initial)} == {np.dtype("f8")}
    assert_untouched()


@pytest.mark.filterwarnings("ignore::hmlm.types.SamplingWarning")
def test_fit_is_float64_without_the_global_flag():
    fit = stated("without_groups").fit(chains=1, warmup=30, draws=20, progress=False)
    assert {values.dtype for values in fit.posterior.data_vars.values()} == {np.dtype("f8")}
    assert_untouched()


def assert_untouched() -> None:
    assert not jax.config.jax_enable_x64
    assert jnp.zeros(1).dtype == jnp.float32
