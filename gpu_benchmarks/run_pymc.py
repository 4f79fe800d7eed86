"""One chain of a PyMC model by hand, sampled by nutpie."""

from __future__ import annotations

import time

import nutpie
import pandas as pd
import xarray as xr

from gpu_benchmarks.affect_data import COLUMNS, named
from gpu_benchmarks.affect_pymc import ESTIMATES, initial_points, make_model
from gpu_benchmarks.measurement import Measurement, Seconds, Settings
from gpu_benchmarks.table import versions


def run(name: str, table: pd.DataFrame, settings: Settings) -> Measurement:
    """Model ``name`` with nutpie's defaults from good starting values; effects of people are not stored.

    nutpie does not say how long warm-up took: its seconds are split by leapfrog steps, which cost the same.
    """
    began = time.perf_counter()
    model = make_model(name, table)
    kept = [variable for variable in ESTIMATES if variable in model.named_vars]
    start = initial_points(name, table, model, settings.seed)
    compiled = nutpie.compile_pymc_model(model, var_names=kept, initial_points=start, jitter_rvs=set())
    setup = time.perf_counter() - began
    tree = nutpie.sample(
        compiled,
        tune=settings.warmup,
        draws=settings.draws,
        chains=1,
        cores=1,
        seed=settings.seed,
        progress_bar=False,
    )
    everything = time.perf_counter() - began
    warmup_share = _warmup_share(tree)
    chain = everything - setup
    posterior, stats = tree["posterior"].to_dataset(), tree["sample_stats"].to_dataset()
    draws = {str(variable): values.values for variable, values in posterior.items()}
    return Measurement(
        settings=settings,
        seconds=Seconds(setup, chain * warmup_share, chain * (1 - warmup_share), everything),
        leapfrogs=float(stats["n_steps"].mean()),
        divergences=int(stats["diverging"].sum()),
        draws={name_: values[0] for name_, values in named(COLUMNS[name], table, draws).items()},
        versions=versions(["pymc", "nutpie", "pytensor", "numba"]),
    )


def _warmup_share(tree: xr.DataTree) -> float:
    """Share of the leapfrog steps that were spent on warm-up."""
    groups = (tree[name].to_dataset() for name in ("warmup_sample_stats", "sample_stats"))
    steps = [int(group["n_steps"].sum()) for group in groups]
    return steps[0] / sum(steps)
