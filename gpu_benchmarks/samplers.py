"""Effective draws per second of hmlm's samplers, compile time apart."""

from __future__ import annotations

import sys
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import jax
import numpy as np
import pandas as pd

import hmlm as hm
from gpu_benchmarks.data import affect_table, described
from gpu_benchmarks.densities import stated
from gpu_benchmarks.machine import CPU, GPU, this_machine
from gpu_benchmarks.measurement import bulk_ess
from gpu_benchmarks.report import Report, Table
from gpu_benchmarks.sizes import Size
from hmlm.results.convergence import convergence


@dataclass(frozen=True)
class Sampler:
    """One sampler: what ``Model.fit`` calls it, and the numbers of chains it is meant for, by platform."""

    algorithm: str
    chains: Mapping[str, Sequence[int]]


SAMPLERS: Mapping[str, Sampler] = {
    "NUTS": Sampler("nuts", {CPU: (4, 64), GPU: (4, 64, 512)}),
    "ChEES": Sampler("chees", {CPU: (64,), GPU: (64, 512)}),
    "MEADS": Sampler("meads", {CPU: (64,), GPU: (64, 512)}),
}
HEADER = (
    "model",
    "sampler",
    "chains",
    "draws",
    "compile s",
    "warm-up s",
    "sampling s",
    "leapfrogs per draw",
    "smallest bulk ESS",
    "ESS/s of sampling",
    "ESS/s with warm-up",
    "largest R-hat",
    "divergences",
)
EXPLANATION = """\
One run of `Model.fit`, float64. Draws: warm-up + kept, per chain. Compile: tracing and compiling, no
cache, in none of the rates. ESS: smallest bulk effective sample size of the population-level parameters,
of all chains together. On a CPU chains of NUTS run one after another on each core, those of ChEES and
MEADS in step, a group per core; on a GPU all at once."""


def report(size: Size, seed: int = 14) -> Report:
    """Every sampler on every model, with every number of chains."""
    jax.config.update("jax_enable_compilation_cache", False)
    table, platform = affect_table(size.data), CPU if jax.default_backend() == CPU else GPU
    rows = [
        row(model, name, chains, table, size, seed)
        for model in size.models
        for name, sampler in SAMPLERS.items()
        for chains in sampler.chains[platform]
    ]
    title = f"Samplers ({described(size.data, table)})"
    return Report("samplers", [Table(title, HEADER, rows, EXPLANATION)], this_machine())


def row(model: str, name: str, chains: int, table: pd.DataFrame, size: Size, seed: int) -> tuple:
    """One run."""
    fit = run(model, SAMPLERS[name].algorithm, chains, table, size, seed)
    seconds = dict(fit.info.seconds)
    values = draws(fit)
    ess = float(bulk_ess(values).min())
    print(
        f"{model} {name} {chains} chains: {ess / seconds['sampling']:.4g} ESS/s", file=sys.stderr, flush=True
    )
    return (
        model,
        name,
        chains,
        f"{size.warmup} + {size.draws}",
        seconds["compile"],
        seconds["warmup"],
        seconds["sampling"],
        float(fit.sample_stats["n_steps"].mean()),
        ess,
        ess / seconds["sampling"],
        ess / (seconds["warmup"] + seconds["sampling"]),
        float(convergence(values).rhat.max()),
        int(fit.sample_stats["diverging"].sum()),
    )


def run(model: str, algorithm: str, chains: int, table: pd.DataFrame, size: Size, seed: int) -> hm.Fit:
    """One fit; what it warns of is in the table."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return stated(model, table).fit(
            algorithm=algorithm,
            chains=chains,
            warmup=size.warmup,
            draws=size.draws,
            seed=seed,
            progress=False,
        )


def draws(fit: hm.Fit) -> np.ndarray:
    """(P, C, S) draws of the population-level parameters."""
    return np.stack([fit.posterior[row.variable].values for row in fit.info.rows])
