"""The table of effective draws per second: hmlm, NumPyro by hand, PyMC by hand, brms where R has it.

Every run is a subprocess of its own on the one core of this process, one after another. The first repeat of
an engine starts with empty compilation caches, the later ones find those of the first.
"""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from gpu_benchmarks.data import described, source_of, table_from
from gpu_benchmarks.engines import ENGINES, pairs, present
from gpu_benchmarks.launch import launch, shared_table
from gpu_benchmarks.machine import this_machine
from gpu_benchmarks.measurement import Measurement, Settings, largest_z, median
from gpu_benchmarks.report import Report, Table

HEADER = (
    "model",
    "engine",
    "draws",
    "compile s, cold",
    "cached",
    "warm-up s",
    "sampling s",
    "leapfrogs per draw",
    "smallest bulk ESS",
    "ESS/s of sampling",
    "hmlm ×",
    "ESS/s of everything",
    "hmlm ×",
    "divergences",
    "largest z",
)
EXPLANATION = """\
One chain per run, after one another on one core; medians over repeats with different seeds. Draws:
warm-up + kept. Compile: from the table to the first draw (stating the model, pilot, tracing, compiling),
with empty caches (cold) and with those of an earlier process (cached). Everything: from the table to
draws in hand, caches empty. ESS: smallest rank-normalised bulk effective sample size of all
population-level parameters, standard deviations and correlations included. hmlm ×: hmlm's figure over
this engine's. Largest z: of all posterior means, the largest difference from hmlm's in Monte-Carlo
standard errors. NumPyro: LKJCholesky, non-centred, gather. PyMC: hierarchically centred, covariates of
persons inside the group mean, LKJCholeskyCov. Both start at least squares (speed dating: the share of yes);
nutpie's seconds are split into warm-up and sampling by leapfrog steps. brms: rstan with its defaults, R's
start not counted."""


@dataclass(frozen=True)
class Request:
    """What to measure: an engine's draws are by its name, see ``engines.ENGINES``."""

    data: str
    models: Sequence[str]
    engines: Sequence[str]
    warmup: int
    draws: Mapping[str, int]
    repeats: int
    seed: int


def report(request: Request) -> Report:
    """Run everything: an engine that is absent is a line."""
    sources = {model: source_of(model, request.data) for model in request.models}
    of_source = {source: table_from(source) for source in dict.fromkeys(sources.values())}
    engines, absent = present(request.engines)
    wanted, impossible = pairs(request.models, engines)
    notes = [*absent, *impossible]
    for note in notes:
        print(note, file=sys.stderr)
    runs = {
        (model, engine): measure(engine, model, of_source[sources[model]], request)
        for model, engine in wanted
    }
    found: dict[str, str] = {}
    for repeats in runs.values():
        found |= repeats[0].versions
    title = f"Effective draws per second ({'; '.join(described(*item) for item in of_source.items())})"
    tables = [Table(title, HEADER, list(rows(runs)), EXPLANATION, notes)]
    return Report("peers", tables, this_machine(found))


def rows(runs: Mapping[tuple[str, str], Sequence[Measurement]]) -> Iterator[tuple]:
    """A row per model and engine, hmlm's first figures the yardstick of the others."""
    for (model, engine), repeats in runs.items():
        ours = runs.get((model, "hmlm"))
        yield _row(model, engine, repeats, None if engine == "hmlm" else ours)


def _row(
    model: str, engine: str, repeats: Sequence[Measurement], ours: Sequence[Measurement] | None
) -> tuple:
    settings, seconds = repeats[0].settings, [run.seconds for run in repeats]
    rate, overall = sampling_rate(repeats), overall_rate(repeats)
    return (
        model,
        ENGINES[engine].label,
        f"{settings.warmup} + {settings.draws}",
        seconds[0].setup,
        median([s.setup for s in seconds[1:]]) if len(seconds) > 1 else None,
        median([s.warmup for s in seconds]),
        median([s.sampling for s in seconds]),
        median([run.leapfrogs for run in repeats]),
        median([run.smallest_ess for run in repeats]),
        rate,
        times(sampling_rate(ours), rate) if ours else None,
        overall,
        times(overall_rate(ours), overall) if ours else None,
        sum(run.divergences for run in repeats),
        largest_z(ours, repeats) if ours else None,
    )


def times(ours: float, theirs: float) -> float | None:
    """How many times theirs ours is, None where theirs froze."""
    return ours / theirs if theirs else None


def sampling_rate(repeats: Sequence[Measurement]) -> float:
    """Smallest bulk ESS per second of sampling, the median of the repeats."""
    return median([run.smallest_ess / run.seconds.sampling for run in repeats])


def overall_rate(repeats: Sequence[Measurement]) -> float:
    """Smallest bulk ESS per second from the table to draws in hand, with empty caches."""
    cold = repeats[0]
    return cold.smallest_ess / cold.seconds.everything


def measure(engine: str, model: str, table: pd.DataFrame, request: Request) -> list[Measurement]:
    """The repeats of one engine on one model, in processes that share their compilation caches."""
    with tempfile.TemporaryDirectory() as folder:
        path = shared_table(table, Path(folder))
        return [_run(engine, model, path, request, repeat) for repeat in range(request.repeats)]


def _run(engine: str, model: str, table: Path, request: Request, repeat: int) -> Measurement:
    settings = Settings(request.warmup, request.draws[engine], request.seed + repeat)
    measured = launch(engine, model, table, settings, table.parent).measured
    rate = measured.smallest_ess / measured.seconds.sampling
    took = f"{measured.seconds.setup:.1f} + {measured.seconds.warmup:.2f} + {measured.seconds.sampling:.2f} s"
    print(f"{model} {engine} {repeat + 1}: {took}, {rate:.4g} ESS/s of sampling", file=sys.stderr, flush=True)
    return measured
