"""Variational inference: the normal nearest to the posterior, found by stochastic gradients of the ELBO.

The normal is dense over the population-level coordinates and has independent group effects, as their
coordinates are made to be.

References:
    Kucukelbir, Tran, Ranganath, Gelman & Blei (2017), Journal of Machine Learning Research 18(14)
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import numpyro
import optax
from jax import Array
from numpyro import distributions as dist
from numpyro.infer import SVI, Trace_ELBO
from numpyro.infer.autoguide import AutoDiagonalNormal, AutoMultivariateNormal
from numpyro.infer.initialization import init_to_value

from hmlm.density.precision import double_precision
from hmlm.density.state import DensityData, Static
from hmlm.infer.approximate.climb import Hill
from hmlm.infer.approximate.pool import Pool
from hmlm.infer.approximate.target import make_target

STEPS = 2000
PER_STEP = 4  # draws of a gradient of the ELBO
RATE = 0.02  # of Adam at the start; it falls to zero as a cosine
WIDTH = 0.7  # standard deviations at the start, in those of the pilot
POPULATION, EFFECTS = "population", "effects"


def draw_svi(hill: Hill, start: np.ndarray, draws: int, rng: np.random.Generator) -> Pool:
    """Draws of the normal found from one around (D,) ``start``."""
    density, key = hill.density, jax.random.key(int(rng.integers(2**31)))
    with double_precision():
        found = _draw(density.static, draws, jnp.asarray(start), key, density.data)
        position, log_q = jax.device_get(found)
    hill.n_gradients += STEPS * PER_STEP
    return Pool(position, np.array([hill.at(x).value for x in position]), log_q)


@jax.jit(static_argnums=(0, 1))
def _draw(static: Static, draws: int, start: Array, key: Array, data: DensityData) -> tuple[Array, Array]:
    """(draws, D) draws of the normal and their log densities."""
    starts = _parts(static, start)
    guides = [_guide(name, part) for name, part in starts.items()]
    target = make_target(static, data)

    def model() -> None:
        numpyro.factor("log_density", target(jnp.concatenate([_free(name, s) for name, s in starts.items()])))

    to_climb, *to_draw = jax.random.split(key, 1 + len(guides))
    params = _climb_elbo(model, lambda: [guide() for guide in guides], to_climb)
    parts = [
        _of_normal(guide.get_posterior(params), k, draws) for guide, k in zip(guides, to_draw, strict=True)
    ]
    position, log_q = zip(*parts, strict=True)
    return jnp.concatenate(position, axis=1), sum(log_q)


def _climb_elbo(model: Callable, guide: Callable, key: Array) -> dict[str, Array]:
    """The guide's parameters after Adam's steps."""
    optimiser = numpyro.optim.optax_to_numpyro(optax.adam(optax.cosine_decay_schedule(RATE, STEPS)))
    svi = SVI(model, guide, optimiser, Trace_ELBO(num_particles=PER_STEP))
    step = lambda _, state: svi.update(state)[0]  # noqa: E731
    return svi.get_params(jax.lax.fori_loop(0, STEPS, step, svi.init(key)))


def _parts(static: Static, start: Array) -> dict[str, Array]:
    """Population-level coordinates and those of group effects, as far as there are any."""
    population, effects = jnp.split(start, [static.layout.n_population])
    return {name: part for name, part in ((POPULATION, population), (EFFECTS, effects)) if len(part)}


def _free(name: str, like: Array) -> Array:
    """A site without a prior."""
    return numpyro.sample(name, dist.ImproperUniform(dist.constraints.real_vector, (), like.shape))


def _guide(name: str, start: Array) -> Any:
    """A normal of one part; what it is built from needs nothing but that part."""
    kind = AutoMultivariateNormal if name == POPULATION else AutoDiagonalNormal
    there = init_to_value(values={name: start})
    return kind(lambda: _free(name, start), prefix=name, init_loc_fn=there, init_scale=WIDTH)


def _of_normal(normal: dist.Distribution, key: Array, draws: int) -> tuple[Array, Array]:
    """(draws, d) draws of one part and their log densities."""
    joint = normal if normal.event_dim else normal.to_event(1)
    x = joint.sample(key, (draws,))
    return x, joint.log_prob(x)
