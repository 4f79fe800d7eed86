"""The form of the log density that GPUs get, computed on the CPU, against the form that CPUs get."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from hmlm.density.log_density import log_density

from ..helpers import planned, points
from ..nights import by_night

FAST_COMPILE = {"xla_backend_optimization_level": 0}
NAMES = ("correlated", "crossed", "nested", "rescor", "scale", "scale_shared")


@pytest.fixture
def as_on_a_gpu(monkeypatch):
    """Call to make what is traced from then on take the form it has on a GPU."""

    def switch() -> None:
        monkeypatch.setattr(jax.lax, "platform_dependent", lambda *args, cpu, default: default(*args))

    return switch


@pytest.mark.parametrize("name", by_night(NAMES, "nested", "rescor", "scale"))
def test_both_forms_agree(name, as_on_a_gpu):
    of = planned(name, "auto")
    with jax.enable_x64(True):
        x = jnp.asarray(points(of, 1)[0])
        plain = traced(of.static).lower(x, of.data)
        as_on_a_gpu()
        written = traced(of.static).lower(x, of.data)
        assert plain.as_text() != written.as_text()
        wanted, got = (form.compile(FAST_COMPILE)(x, of.data) for form in (plain, written))
    np.testing.assert_allclose(got[0], wanted[0], rtol=1e-12)
    np.testing.assert_allclose(got[1], wanted[1], rtol=1e-9, atol=1e-9 * np.linalg.norm(wanted[1]))


def traced(static):
    """A function of its own each time, so that nothing traced before is used again."""

    def value_and_grad(x, data):
        return jax.value_and_grad(log_density, argnums=1)(static, x, data)

    return jax.jit(value_and_grad)
