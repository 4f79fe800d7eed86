"""The likelihood itself: every group effect integrated out, no prior."""

from __future__ import annotations

import jax.numpy as jnp
from jax import Array

from hmlm.density.integrate import log_integral
from hmlm.density.parameters import Parameters
from hmlm.density.state import DensityData, Static, moments_at, prior_of_integrated


def log_likelihood(static: Static, parameters: Parameters, data: DensityData) -> Array:
    """Marginal log likelihood, normalising constants included, under a plan that samples no effect."""
    u = [jnp.zeros((block.size, static.spec.factors[block.factor].n_levels)) for block in static.spec.blocks]
    moments = moments_at(static, parameters, u, data)
    if not static.plan.factors:
        return moments.log_rows
    return moments.log_rows + log_integral(moments, prior_of_integrated(static, parameters, data))
