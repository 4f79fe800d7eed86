"""Simulation-based calibration: ranks of true values among posterior draws, by the package's own path.

Parameters come from the prior and outcomes from the NumPyro program; every replicate is fitted by pilot,
plan, density and NUTS driver. Replicates share spec, shapes and so every compiled program.

References:
    Talts et al. (2018), arXiv:1804.06788
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import NamedTuple

import jax
import numpy as np
from numpyro.infer import Predictive

import hmlm as hm
from hmlm.density.build import make_log_density
from hmlm.density.log_density import LogDensity
from hmlm.density.pilot import fit_pilot
from hmlm.infer.driver import sample
from hmlm.infer.settings import Settings
from hmlm.results.convergence import convergence
from hmlm.spec.names import (
    coefficient_names,
    constant_names,
    cor_names,
    intercept_name,
    rescor_names,
    threshold_names,
)

from .quantities import Values, quantities

N_DRAWS = 99  # L, thinned draws among which a true value is ranked
SPACING = 5  # draws of the chain per thinned draw, doubled while the chain's effective size is below L
LONGEST = 4  # doublings give at most so many times the shortest chain
WARMUP = 300
FAST_COMPILE = {"xla_backend_optimization_level": 0}
COMPILE_EVENT = "/jax/core/compile/backend_compile_duration"


class Truth(NamedTuple):
    """One replicate: (M, N) outcomes, parameters by draws' names, effects per block (1, J, Q)."""

    outcomes: np.ndarray
    values: Values
    effects: list[np.ndarray]


@dataclass(frozen=True)
class Ranks:
    """Ranks of R replicates.

    Attributes:
        ranks: quantity -> (R,) ranks from 0 to :data:`N_DRAWS`.
        compiled: programs that XLA compiled after the first replicate.
        short: replicates whose chain stayed below :data:`N_DRAWS` effective draws.
    """

    ranks: dict[str, np.ndarray]
    compiled: int
    short: int


def calibrate(model: hm.Model, n_replicates: int, seed: int = 0) -> Ranks:
    """Ranks of every quantity over replicates drawn from the prior."""
    truths = simulate(model, n_replicates, seed)
    rows = [rank(model, truths[0], seed)]
    with compilations() as compiled:
        rows += [rank(model, truth, seed + r) for r, truth in enumerate(truths[1:], start=1)]
    ranks = {name: np.array([row[name] for row, _ in rows]) for name in rows[0][0]}
    return Ranks(ranks, len(compiled), sum(short for _, short in rows))


def simulate(model: hm.Model, n_replicates: int, seed: int) -> list[Truth]:
    """Replicates drawn by the NumPyro program."""
    inputs = {name: value for name, value in model.model_kwargs.items() if name != "y"}
    with jax.enable_x64(True):
        program = Predictive(model.numpyro_model, num_samples=n_replicates, parallel=True)
        program = jax.jit(program, compiler_options=FAST_COMPILE)
        sites = jax.tree.map(np.asarray, program(jax.random.key(seed), **inputs))
    values = true_values(model, sites)
    return [
        Truth(
            outcomes=simulated_outcomes(model, sites, r),
            values={name: draws[r : r + 1] for name, draws in values.items()},
            effects=[sites[f"u_{block.name}"][r : r + 1] for block in model.spec.blocks],
        )
        for r in range(n_replicates)
    ]


def simulated_outcomes(model: hm.Model, sites: Values, r: int) -> np.ndarray:
    """(M, N) outcomes of replicate ``r``; those with correlated residuals are one site."""
    if model.spec.correlated:
        return sites["y"][r].T
    return np.stack([sites[name][r] for name in model.spec.outcomes])


def true_values(model: hm.Model, sites: Values) -> dict[str, np.ndarray]:
    """The program's sites as draws' names: intercepts of uncentred columns, correlations by pair."""
    spec, shared = model.spec, ("b_", "sd_", *constant_names(model.spec))
    values = {name: draws for name, draws in sites.items() if name.startswith(shared)}
    for p, predictor in enumerate(spec.predictors):
        name = intercept_name(spec, p)
        means = model.design.predictors[p].population.matrix.mean(0)
        slopes = np.stack([sites[slope] for slope in coefficient_names(spec, p)])
        if predictor.centered and predictor.intercept is not None:
            values[name] = sites[f"centered_{name}"] - means @ slopes
        if predictor.dpar == "mu" and spec.thresholds:
            cuts = sites[f"centered_{name}"].T + means @ slopes
            values |= dict(zip(threshold_names(spec), cuts, strict=True))
    for block in spec.blocks:
        if block.cor is not None:
            rows = sites[f"L_{block.name}"][:, list(block.order)]
            values |= _pairs(rows, cor_names(spec, block))
    return values | _pairs(sites.get("L_rescor"), rescor_names(spec))


def _pairs(factor: np.ndarray | None, pairs: tuple[tuple[str, int, int], ...]) -> dict[str, np.ndarray]:
    return {name: np.einsum("sk,sk->s", factor[:, i], factor[:, j]) for name, i, j in pairs}


def rank(model: hm.Model, truth: Truth, seed: int) -> tuple[dict[str, int], bool]:
    """Ranks of the true quantities among thinned draws, and whether these were fewer than they seem."""
    density = refit_density(model, truth.outcomes)
    position, short = thinned_chain(density, seed)
    effects = list(density.effects(position, seed))
    draws = quantities(model, truth.outcomes, density.constrain(position), effects)
    true = quantities(model, truth.outcomes, truth.values, truth.effects)
    return {name: int((values < true[name]).sum()) for name, values in draws.items()}, short


def thinned_chain(density: LogDensity, seed: int) -> tuple[np.ndarray, bool]:
    """(L, D) thinned positions of a chain long enough for L effective draws; whether it stayed too short."""
    for spacing in (SPACING * 2**k for k in range(LONGEST.bit_length())):
        settings = Settings(chains=1, warmup=WARMUP, draws=spacing * N_DRAWS, seed=seed)
        position = sample(density, settings, progress=False).draws.position
        population = position[..., : density.layout.n_population]
        ess = np.nanmin(convergence(population.transpose(2, 0, 1)).bulk)
        if ess >= N_DRAWS:
            break
    return position[0, spacing - 1 :: spacing], bool(ess < N_DRAWS)


def refit_density(model: hm.Model, outcomes: np.ndarray) -> LogDensity:
    """The log density of the model with other outcomes, through pilot and plan."""
    named = zip(model.design.outcomes, outcomes, strict=True)
    design = replace(model.design, outcomes=tuple(replace(o, values=values) for o, values in named))
    return make_log_density(model.spec, design, fit_pilot(model.spec, design), model.log_density.plan)


@contextmanager
def compilations() -> Iterator[list[str]]:
    """Every compilation by XLA while it is open."""
    seen: list[str] = []

    def listen(event: str, seconds: float, **_: object) -> None:
        if event == COMPILE_EVENT:
            seen.append(event)

    jax.monitoring.register_event_duration_secs_listener(listen)
    try:
        yield seen
    finally:
        jax.monitoring.unregister_event_duration_listener(listen)
