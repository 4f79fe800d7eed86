"""The fast log density is the NumPyro program's in other coordinates, for every design and coordinates.

``fast(x) = log p(T(x), y) + log |det dT(x)| + constant``, where p is what ``model.numpyro_model`` states.
"""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from numpyro.infer.util import potential_energy

from hmlm.density.coordinates import Coordinates
from hmlm.density.log_density import LogDensity, log_density
from hmlm.density.state import DensityData, Static
from hmlm.spec.names import (
    coefficient_names,
    constant_names,
    intercept_name,
    sd_coefficient_names,
    sd_names,
)

from ..helpers import DESIGNS, KINDS, OFTEN, density, points, stated
from ..nights import by_night
from .program_sites import (
    FAST_COMPILE,
    STENCIL,
    STEP,
    program_log_density,
    sites_and_log_det,
)

N_POINTS = 5
N_DIRECTIONS = 2
COARSE = {"negbinomial": 1e-7}  # as far as JAX's betaln goes, which NumPyro's distribution reads
# NumPyro's own transforms are slow to trace: between them these have every kind of site.
TRANSFORMED = (
    *("correlated", "crossed", "scale", "rescor_of_three", "intercept_as_coefficient", "priors"),
    "between_one",
)


@jax.jit(static_argnums=0, compiler_options=FAST_COMPILE)
def _value_and_gradient(static: Static, x: jax.Array, data: DensityData) -> tuple[jax.Array, jax.Array]:
    return jax.value_and_grad(log_density, argnums=1)(static, x, data)


def fast(evaluated: LogDensity, x: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """(S,) values and (S, D) gradients of the fast density at (S, D) ``x``."""
    with jax.enable_x64(True):
        pairs = [_value_and_gradient(evaluated.static, jnp.asarray(row), evaluated.data) for row in x]
    values, gradients = zip(*pairs, strict=True)
    return np.array(values), np.array(gradients)


def lowered(evaluated: LogDensity) -> str:
    """What XLA gets; at no cost next to :func:`fast`, which traces the same."""
    with jax.enable_x64(True):
        x = jnp.asarray(evaluated.initial)
        return _value_and_gradient.lower(evaluated.static, x, evaluated.data).as_text()


def reference(name: str, evaluated: LogDensity, x: np.ndarray) -> np.ndarray:
    """(S,) the program's log density at T(x) plus ``log |det dT(x)|``."""
    sites, log_det = sites_and_log_det(stated(name), evaluated, x)
    return program_log_density(name)(sites) + log_det


# One test for all coordinates of a design: with xdist, tests of one design may run in several processes,
# and compiling is what takes the time.
@pytest.mark.parametrize("name", by_night(DESIGNS, *OFTEN))
def test_density_and_gradient_are_the_programs_in_other_coordinates_without_scatter(name):
    for kind in KINDS if stated(name).spec.blocks else KINDS[:1]:
        evaluated = density(name, kind)
        directions = np.random.default_rng(1).normal(size=(N_DIRECTIONS, evaluated.size))
        directions /= np.linalg.norm(directions, axis=1, keepdims=True)
        x = np.vstack([points(evaluated, N_POINTS - 1), evaluated.initial])
        x = np.concatenate([x, *(x[:1] + STEP * step * directions for step in STENCIL)])
        value, gradient = fast(evaluated, x)
        wanted = reference(name, evaluated, x)
        assert np.isfinite(wanted).all()
        assert_equal_up_to_a_constant(value, wanted, kind.value, COARSE.get(name, 1e-8))
        around = wanted[N_POINTS:].reshape(len(STENCIL), N_DIRECTIONS)
        slopes = np.array(list(STENCIL.values())) @ around / STEP
        atol = 1e-6 * np.linalg.norm(gradient[0])
        np.testing.assert_allclose(directions @ gradient[0], slopes, rtol=1e-6, atol=atol, err_msg=kind.value)
        assert "scatter" not in lowered(evaluated), kind.value


def assert_equal_up_to_a_constant(
    value: np.ndarray, wanted: np.ndarray, message: str, rtol: float = 1e-8
) -> None:
    gap = value - wanted
    np.testing.assert_allclose(gap, gap[0], rtol=0, atol=rtol * np.abs(wanted).max(), err_msg=message)


@pytest.mark.parametrize("name", TRANSFORMED)
def test_noncentered_is_minus_the_potential_energy(name):
    evaluated = density(name, Coordinates.NONCENTERED)
    x, model = points(evaluated, N_POINTS), stated(name)

    def energy(row: jax.Array) -> jax.Array:
        sites, log_ratio = unconstrained_sites(evaluated, row)
        return potential_energy(model.numpyro_model, (), model.model_kwargs, sites) - log_ratio

    with jax.enable_x64(True):
        compiled = jax.jit(jax.vmap(energy), compiler_options=FAST_COMPILE)
        wanted = -np.asarray(compiled(jnp.asarray(x)))
    assert_equal_up_to_a_constant(fast(evaluated, x)[0], wanted, name)


def unconstrained_sites(evaluated: LogDensity, x: jax.Array) -> tuple[dict[str, jax.Array], jax.Array]:
    """Noncentered sampling coordinates (D,) are the program's unconstrained ones, scaled.

    Standard deviations between groups are apart: a softplus here, exp there. The second value is the log
    Jacobian of theirs in ours.
    """
    spec, layout, x = evaluated.spec, evaluated.layout, x * evaluated.data.scale
    x, log_ratio = exponential_coordinates(evaluated, x)
    sites: dict[str, jax.Array] = {}
    for p, predictor in enumerate(spec.predictors):
        name = intercept_name(spec, p)
        if predictor.intercept is not None:
            sites[f"centered_{name}" if predictor.centered else name] = x[layout.intercept[p].start]
        sites.update(zip(coefficient_names(spec, p), x[layout.b[p].slice], strict=True))
    sites.update({n: x[s.start] for n, s in zip(constant_names(spec), layout.constants, strict=True)})
    for s, span in enumerate(layout.gamma):
        sites.update(zip(sd_coefficient_names(spec, s), x[span.slice], strict=True))
    for b, block in enumerate(spec.blocks):
        tau = x[layout.sd[b].slice]
        sites.update({n: tau[q] for n, q in zip(sd_names(spec, block), block.order, strict=True)})
        sites.update({f"L_{block.name}": x[layout.cor[b].slice]} if block.cor is not None else {})
        sites[f"z_{block.name}"] = x[layout.effects[b].slice].reshape(block.size, -1).T
    sites.update({"L_rescor": x[layout.rescor.slice]} if spec.rescor is not None else {})
    return sites, log_ratio


def exponential_coordinates(evaluated: LogDensity, x: jax.Array) -> tuple[jax.Array, jax.Array]:
    """``x`` with softplus coordinates replaced by logarithms, and the log Jacobian of that."""
    log_ratio = jnp.zeros(())
    for run in evaluated.layout.runs:
        if run.between and run.prior.name != "uniform":
            span, scale = run.span.slice, evaluated.data.softplus[run.span.slice]
            tau = scale * jax.nn.softplus(x[span] / scale)
            log_ratio += jnp.sum(jax.nn.log_sigmoid(x[span] / scale) - jnp.log(tau))
            x = x.at[span].set(jnp.log(tau))
    return x, log_ratio
