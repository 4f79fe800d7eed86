"""One chain of hmlm through its public interface."""

from __future__ import annotations

import time

import pandas as pd

import hmlm as hm
from gpu_benchmarks.measurement import Measurement, Seconds, Settings
from gpu_benchmarks.stated import STATED
from gpu_benchmarks.table import versions


def run(name: str, table: pd.DataFrame, settings: Settings) -> Measurement:
    """Model ``name``: formula as pasted, default treatment of the effects."""
    began = time.perf_counter()
    stated = STATED[name]
    model = hm.model(stated.formula, table, **stated.options)
    fit = model.fit(
        chains=1, warmup=settings.warmup, draws=settings.draws, seed=settings.seed, progress=False
    )
    everything = time.perf_counter() - began
    phases = dict(fit.info.seconds)
    chain = phases["warmup"] + phases["sampling"]
    return Measurement(
        settings=settings,
        seconds=Seconds(everything - chain, phases["warmup"], phases["sampling"], everything),
        leapfrogs=float(fit.sample_stats["n_steps"].mean()),
        divergences=int(fit.sample_stats["diverging"].sum()),
        draws={row.variable: fit.posterior[row.variable].values[0] for row in fit.info.rows},
        versions={"hmlm": hm.__version__, **versions(["jax", "jaxlib", "numpyro"])},
    )
