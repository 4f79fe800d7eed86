"""NUTS through NumPyro's kernel, as two pure functions: start a chain, advance it by a chunk of draws.

Warm-up and sampling are one program: the kernel's state counts its own iterations and adapts step size
and mass matrix (windows as in Stan) until ``warmup`` of them have passed.

References:
    Hoffman & Gelman (2014), Journal of Machine Learning Research 15, 1593-1623
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import NamedTuple

import jax
import jax.numpy as jnp
from jax import Array
from numpyro import infer  # noqa: F401  loads numpyro where arviz left it lazy: see test_lazy_numpyro
from numpyro.infer.hmc import HMCState, hmc

from hmlm.density.log_density import log_density
from hmlm.density.state import DensityData, Static
from hmlm.infer.settings import Settings


class Draws(NamedTuple):
    """A chunk of one chain: positions (S, D) and statistics (S,) of each draw.

    ``n_steps`` counts leapfrog steps, ``lp`` is the log density of the unconstrained position, ``energy`` the
    Hamiltonian.
    """

    position: Array
    lp: Array
    energy: Array
    n_steps: Array
    acceptance_rate: Array
    diverging: Array
    step_size: Array


@dataclass(frozen=True)
class Nuts:
    """The program of a run; equal values share compiled code."""

    static: Static
    warmup: int
    target_accept: float
    max_tree_depth: int
    chunk: int

    @property
    def n_population(self) -> int:
        """Coordinates that share a dense block of the mass matrix."""
        return self.static.layout.n_population


def make_nuts(static: Static, settings: Settings) -> Nuts:
    """The program for a density under the settings of a run."""
    return Nuts(static, settings.warmup, settings.target_accept, settings.max_tree_depth, settings.chunk)


def start_chain(nuts: Nuts, key: Array, position: Array, data: DensityData) -> HMCState:
    """State of one chain at (D,) ``position``."""
    return _kernel(nuts, key, position, data)[0]


def advance_chain(nuts: Nuts, state: HMCState, data: DensityData) -> tuple[HMCState, Draws]:
    """The chain after one chunk, and the chunk's draws."""
    position = _join(state.z)
    _, sample = _kernel(nuts, state.rng_key, position, data)

    def step(state: HMCState, _: None) -> tuple[HMCState, Draws]:
        state = sample(state, (data,))
        return state, _draw(state)

    return jax.lax.scan(step, state, None, length=nuts.chunk)


def _kernel(
    nuts: Nuts, key: Array, position: Array, data: DensityData
) -> tuple[HMCState, Callable[..., HMCState]]:
    """NumPyro's kernel; its ``init`` also sets what ``sample`` closes over, so both are made together."""
    init, sample = hmc(
        potential_fn_gen=lambda data: lambda z: _potential(nuts.static, _join(z), data), algo="NUTS"
    )
    state = init(
        _split(nuts, position),
        num_warmup=nuts.warmup,
        target_accept_prob=nuts.target_accept,
        max_tree_depth=nuts.max_tree_depth,
        dense_mass=[("population",)],
        rng_key=key,
        model_args=(data,),
    )
    return state, sample


@partial(jax.custom_vjp, nondiff_argnums=(0,))
def _potential(static: Static, x: Array, data: DensityData) -> Array:
    """Minus the log density, infinite where it is undefined.

    Value and gradient are one jitted function, so that the kernel's many traces of the potential cost one.
    """
    return _value_and_grad(static, x, data)[0]


def _potential_fwd(static: Static, x: Array, data: DensityData) -> tuple[Array, Array]:
    return _value_and_grad(static, x, data)


def _potential_bwd(static: Static, gradient: Array, cotangent: Array) -> tuple[Array, None]:
    return cotangent * gradient, None


@jax.jit(static_argnums=0)
def _value_and_grad(static: Static, x: Array, data: DensityData) -> tuple[Array, Array]:
    value, gradient = jax.value_and_grad(log_density, argnums=1)(static, x, data)
    return jnp.where(jnp.isnan(value), jnp.inf, -value), -gradient


_potential.defvjp(_potential_fwd, _potential_bwd)


def _split(nuts: Nuts, position: Array) -> dict[str, Array]:
    parts = {"population": position[: nuts.n_population], "effects": position[nuts.n_population :]}
    return {name: part for name, part in parts.items() if part.size}


def _join(z: dict[str, Array]) -> Array:
    return jnp.concatenate([z[name] for name in ("population", "effects") if name in z])


def _draw(state: HMCState) -> Draws:
    return Draws(
        position=_join(state.z),
        lp=-state.potential_energy,
        energy=state.energy,
        n_steps=state.num_steps,
        acceptance_rate=state.accept_prob,
        diverging=state.diverging,
        step_size=state.adapt_state.step_size,
    )
