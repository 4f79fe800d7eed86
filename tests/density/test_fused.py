"""Densities by the native kernels equal those by XLA, for every design that a fused kernel computes."""

from __future__ import annotations

from functools import cache

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import hmlm as hm
from hmlm.density.backend import Backend, choose_backend
from hmlm.density.build import make_log_density
from hmlm.density.log_density import LogDensity, log_density
from hmlm.density.pilot import fit_pilot
from hmlm.density.plan import make_plan
from hmlm.density.precision import double_precision
from hmlm.kernels.native.library import available
from tests.helpers import DESIGNS, even, planned, points, stated

native = pytest.mark.skipif(not available(), reason="the native kernels were not compiled")


OFTEN = ("correlated", "scale_apart", "rescor", "rescor_scale", "uneven", "crossed", "binomial")
GAUSSIAN = [name for name in DESIGNS if stated(name).spec.normal and name != "lognormal"]


@cache
def by_native(name: str, choice: str) -> LogDensity:
    """The density of a design, all it can have by native kernels."""
    model = stated(name)
    plan = make_plan(model.spec, choice)
    return make_log_density(
        model.spec, model.design, fit_pilot(model.spec, model.design), plan, Backend.NATIVE
    )


@native
@pytest.mark.parametrize(
    ("name", "choice"),
    [
        *(pytest.param(name, "auto", marks=() if name in OFTEN else pytest.mark.nightly) for name in DESIGNS),
        ("scale", "informed"),
    ],
)
def test_native_and_xla_agree(name: str, choice: str) -> None:
    fast, slow = by_native(name, choice), planned(name, choice)
    for x in points(slow, 2):
        (value, gradient), (expected, slope) = fast.value_and_grad(x), slow.value_and_grad(x)
        assert float(value) == pytest.approx(float(expected), rel=1e-10)
        np.testing.assert_allclose(gradient, slope, rtol=1e-8, atol=1e-8 * np.abs(slope).max())


@native
@pytest.mark.nightly
def test_which_designs_are_one_call() -> None:
    """All normal ones whose effects vary by one factor, but those that no kernel knows."""
    for name in GAUSSIAN:
        spec = stated(name).spec
        unknown = spec.sds or spec.autocor or name in ("offsets", "priors")
        several = len({block.factor for block in spec.blocks}) > 1
        assert (by_native(name, "auto").data.fused is None) == bool(unknown or several), name


@native
@pytest.mark.nightly
@pytest.mark.parametrize("name", ("scale",))
def test_single_precision_and_chains(name: str) -> None:
    """Of one density: float32 close to float64, and vmapped chains what they are alone."""
    fast = by_native(name, "auto")
    x = points(fast, 3)
    value_and_grad = jax.value_and_grad(log_density, argnums=1)
    with double_precision():
        values, gradients = jax.vmap(value_and_grad, in_axes=(None, 0, None))(
            fast.static, jnp.asarray(x), fast.data
        )
        for one, value, gradient in zip(x, values, gradients, strict=True):
            alone, slope = fast.value_and_grad(one)
            assert float(value) == pytest.approx(float(alone), rel=1e-13)
            np.testing.assert_allclose(gradient, slope, rtol=1e-9, atol=1e-9 * np.abs(slope).max())
    single = lambda a: jnp.asarray(a, jnp.float32) if jnp.issubdtype(a.dtype, jnp.floating) else a  # noqa: E731
    with jax.enable_x64(False):
        data = jax.tree.map(single, fast.data)
        value, gradient = value_and_grad(fast.static, jnp.asarray(x[0], jnp.float32), data)
    assert value.dtype == gradient.dtype == np.float32
    assert float(value) == pytest.approx(float(values[0]), rel=1e-4)
    np.testing.assert_allclose(gradient, gradients[0], rtol=1e-2, atol=1e-3 * np.abs(gradients[0]).max())


def test_an_unknown_choice_names_the_nearest() -> None:
    with pytest.raises(
        hm.HmlmError, match=r"kernels='natve' is unknown; choose one of auto, xla, native.*'native'"
    ):
        hm.model("y ~ x", even(0), kernels="natve")


def test_native_kernels_that_are_not_there(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("hmlm.density.backend.missing", lambda: "were not compiled when hmlm was installed")
    assert choose_backend("auto") is Backend.XLA
    with pytest.raises(hm.HmlmError, match="were not compiled when hmlm was installed"):
        choose_backend("native")
