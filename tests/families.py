"""A small model and simulated data of every family, made by the family's own law."""

from __future__ import annotations

from collections.abc import Callable

import jax
import jax.numpy as jnp
import numpy as np
import pandas as pd

import hmlm as hm
from hmlm.density.laws.registry import law_of
from hmlm.density.links import LINKS, Theta
from hmlm.spec.families import FAMILIES
from hmlm.spec.family import Family, OutcomeKind

N_GROUPS, N_EACH = 8, 12
TRIALS = 7
MU = "y ~ x + (1 + x | g)"

# Under inverse_gaussian's default link half of all linear predictors have no mean.
TESTED = FAMILIES | {"inverse_gaussian": FAMILIES["inverse_gaussian"](link="log")}
FAMILY_FORMULAS = {
    name: "y | trials(n) ~ x + (1 + x | g)" if family.outcome is OutcomeKind.SUCCESSES else MU
    for name, family in TESTED.items()
    if name != "gaussian"
} | {
    "negbinomial": hm.bf("y ~ x + (1 + x |c| g)", shape="~ x + (1 |c| g)"),
    "zero_inflated_negbinomial": hm.bf("y ~ x + (1 |c| g)", zi="~ x + (1 |c| g)"),
    "hurdle_gamma": hm.bf("y ~ x + (1 |c| g)", hu="~ x + (1 |c| g)"),
    "beta": hm.bf("y ~ x + (1 | g)", phi="~ x"),
}


def truth(
    family: Family, eta: np.ndarray, trials: int = TRIALS
) -> tuple[dict[str, Theta], dict[str, jax.Array]]:
    """Distributional parameters with (N,) linear predictors ``eta`` of mu, the others where xi is 0.4."""
    links = {p.name: p.support.link for p in family.parameters[1:]}
    thetas = {name: LINKS[link].theta(jnp.full(eta.shape, 0.4)) for name, link in links.items()}
    thetas["mu"] = LINKS[family.link("mu")].theta(jnp.asarray(eta))
    return thetas, {"trials": jnp.full(eta.shape, float(trials))}


def family_data(name: str) -> Callable[[int], pd.DataFrame]:
    """seed -> table of outcomes of a family in 8 groups of 12, their level and slope varying."""
    return lambda seed: _simulated(TESTED[name], seed)


def _simulated(family: Family, seed: int) -> pd.DataFrame:
    rng = np.random.default_rng((7, seed))
    g = np.repeat(np.arange(N_GROUPS), N_EACH)
    x = rng.normal(size=len(g))
    level, slope = rng.normal(0, 0.5, N_GROUPS)[g], rng.normal(0, 0.3, N_GROUPS)[g]
    y = outcomes_at(family, 0.3 + level + (0.4 + slope) * x, seed)
    return pd.DataFrame({"y": y, "x": x, "g": g, "n": TRIALS})


def outcomes_at(family: Family, eta: np.ndarray, seed: int = 0) -> np.ndarray:
    """(N,) outcomes at (N,) linear predictors of mu, the other parameters as :func:`truth` has them."""
    with jax.enable_x64(True):
        thetas, extra = truth(family, eta)
        return np.asarray(law_of(family).simulate(jax.random.key(seed), thetas, extra, eta.shape))
