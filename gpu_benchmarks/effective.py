"""How long so many effective draws of every parameter take: hmlm next to PyMC with nutpie, on one core."""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from gpu_benchmarks.data import described
from gpu_benchmarks.engines import ENGINES, present
from gpu_benchmarks.launch import Timed, launch, shared_table
from gpu_benchmarks.measurement import Settings, largest_z
from gpu_benchmarks.report import Table

WANTED = 1000  # effective draws of every parameter
CACHES = ("cold", "warm")
HEADER = (
    "model",
    "engine",
    "caches",
    "draws",
    "wall s of the run",
    "of which sampling s",
    "smallest bulk ESS",
    f"s to {WANTED} effective draws",
    "hmlm × sooner",
    "divergences",
    "largest z",
)
EXPLANATION = f"""\
Wall-clock seconds of a whole process (start, import, stating, compiling, warm-up, sampling, exit) until
the smallest bulk ESS of the population-level parameters, standard deviations and correlations included,
is {WANTED}. Measured is one run with a fixed number of draws (warm-up + kept); its sampling part alone
is interpolated linearly: `wall - sampling + sampling x {WANTED} / ESS`. Cold: every compilation cache on
and empty; warm: the same run again with what the cold one left (JAX's persistent cache; PyTensor's Numba
cache, without the outer function that nutpie never caches). One chain, same pinned core, same seed cold
and warm. PyMC: hierarchically centred, covariates of persons inside the group mean; nutpie does not say
how long warm-up took, so that its seconds are split by leapfrog steps. hmlm × sooner: the engine's
seconds over hmlm's with caches in the same state."""

Runs = Mapping[tuple[str, str, str], Timed]  # by model, engine, caches


@dataclass(frozen=True)
class Request:
    """What to measure: one chain of ``warmup`` + ``draws`` of every engine on every model."""

    data: str
    models: Sequence[str]
    engines: Sequence[str]
    warmup: int
    draws: int
    seed: int


def effective_table(request: Request, table: pd.DataFrame) -> tuple[Table, dict[str, str]]:
    """The table, and the versions of the engines' packages."""
    engines, notes = present(request.engines)
    runs = {
        (model, engine, cache): timed
        for model in request.models
        for engine in engines
        for cache, timed in zip(CACHES, measure(engine, model, table, request), strict=True)
    }
    found: dict[str, str] = {}
    for timed in runs.values():
        found |= timed.measured.versions
    title = f"Time to {WANTED} effective draws ({described(request.data, table)})"
    return Table(title, HEADER, list(rows(runs)), EXPLANATION, notes), found


def measure(engine: str, model: str, table: pd.DataFrame, request: Request) -> Iterator[Timed]:
    """A run with empty caches and the same again."""
    settings = Settings(request.warmup, request.draws, request.seed)
    with tempfile.TemporaryDirectory() as folder:
        path = shared_table(table, Path(folder))
        for cache in CACHES:
            timed = launch(engine, model, path, settings, Path(folder))
            said = f"{timed.wall:.1f} s, {seconds_to(timed):.1f} s to {WANTED} effective draws"
            print(f"{model} {engine} {cache}: {said}", file=sys.stderr, flush=True)
            yield timed


def seconds_to(timed: Timed, wanted: float = WANTED) -> float:
    """Seconds of the whole process to ``wanted`` effective draws, infinite where a parameter is frozen."""
    sampling, ess = timed.measured.seconds.sampling, timed.measured.smallest_ess
    return timed.wall - sampling + sampling * wanted / ess if ess else float("inf")


def rows(runs: Runs) -> Iterator[tuple]:
    """A row per run, hmlm's with caches in the same state the yardstick."""
    for (model, engine, cache), timed in runs.items():
        ours = None if engine == "hmlm" else runs.get((model, "hmlm", cache))
        yield _row(model, engine, cache, timed, ours)


def _row(model: str, engine: str, cache: str, timed: Timed, ours: Timed | None) -> tuple:
    run = timed.measured
    return (
        model,
        ENGINES[engine].label,
        cache,
        f"{run.settings.warmup} + {run.settings.draws}",
        timed.wall,
        run.seconds.sampling,
        run.smallest_ess,
        seconds_to(timed),
        seconds_to(timed) / seconds_to(ours) if ours else None,
        run.divergences,
        largest_z([ours.measured], [run]) if ours else None,
    )
