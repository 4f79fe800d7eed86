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
from hmlm.spec.levels import of_levels

N_GROUPS, N_EACH = 8, 12
TRIALS = 7
MU = "y ~ x + (1 + x | g)"

LEVELS = ("a", "b", "c", "d")
CUTS = (-1.0, 0.4, 1.3)

# Under inverse_gaussian's default link half of all linear predictors have no mean.
TESTED = FAMILIES | {"inverse_gaussian": FAMILIES["inverse_gaussian"](link="log")}


def sized(name: str) -> Family:
    """The family of a name as it is tested, with four levels where it takes levels."""
    family = TESTED[name]
    return of_levels(family, LEVELS) if family.outcome is OutcomeKind.LEVELS else family


FAMILY_FORMULAS = {
    name: "y | trials(n) ~ x + (1 + x | g)" if family.outcome is OutcomeKind.SUCCESSES else MU
    for name, family in TESTED.items()
    if name != "gaussian"
} | {
    "categorical": hm.bf("y ~ x + (1 | g)", mu1="~ x + (1 + x |c| g)", mu2="~ 1 + (1 |c| g)"),
    "cumulative": hm.bf("y ~ x + (1 + x |c| g)", disc="~ 0 + x + (1 |c| g)"),
    "negbinomial": hm.bf("y ~ x + (1 + x |c| g)", shape="~ x + (1 |c| g)"),
    "zero_inflated_negbinomial": hm.bf("y ~ x + (1 |c| g)", zi="~ x + (1 |c| g)"),
    "hurdle_gamma": hm.bf("y ~ x + (1 |c| g)", hu="~ x + (1 |c| g)"),
    "beta": hm.bf("y ~ x + (1 | g)", phi="~ x"),
}


def truth(
    family: Family, eta: np.ndarray, trials: int = TRIALS
) -> tuple[dict[str, Theta], dict[str, jax.Array]]:
    """Distributional parameters with (N,) linear predictors ``eta`` of mu, the others where xi is 0.4.

    Thresholds are at ``CUTS``; mu of a further category is 0.4 less a third of that of the one before.
    """
    at = {p.name: jnp.full(eta.shape, 0.4) for p in family.parameters}
    at |= {p.name: jnp.full(eta.shape, cut) for p, cut in zip(family.thresholds, CUTS, strict=False)}
    thetas = {p.name: LINKS[p.support.link].theta(at[p.name]) for p in family.parameters}
    for dpar in family.locations:
        thetas[dpar] = LINKS[family.row_link(dpar)].theta(jnp.asarray(eta))
        eta = 0.4 - eta / 3.0
    return thetas, {"trials": jnp.full(eta.shape, float(trials))}


def family_data(name: str) -> Callable[[int], pd.DataFrame]:
    """seed -> table of outcomes of a family in 8 groups of 12, their level and slope varying."""
    return lambda seed: _simulated(sized(name), seed)


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
