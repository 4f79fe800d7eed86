"""From linear predictors to parameters."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import jax.numpy as jnp
from jax import Array

INVERSE_LINKS: Mapping[str, Callable[[Array], Array]] = {"identity": lambda eta: eta, "log": jnp.exp}
