"""``hmlm demo``: fit a location scale model to simulated data and compare it with the truth."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import xarray as xr
    from rich.table import Table

LARGEST_RHAT = 1.05
SMALLEST_COVERAGE = 0.8


def demo(
    *,
    people: int = 80,
    days: int = 40,
    chains: int = 4,
    warmup: int = 500,
    draws: int = 500,
    seed: int = 14,
) -> int:
    """Simulate daily affect of many people, fit a location scale model, compare with the truth.

    Ends with status 1 where the chains disagree or fewer than 80 % of the true values are inside
    their 95 % intervals.

    Args:
        people: number of people.
        days: days of the study.
        chains: number of chains.
        warmup: warm-up draws per chain.
        draws: draws per chain after warm-up.
        seed: seed of the data and of the sampler.
    """
    from rich.console import Console

    import hmlm as hm
    from hmlm.datasets.affect import AFFECT_FORMULA, AFFECT_PRIOR, AFFECT_SIGMA, simulate_affect

    data = simulate_affect(people, days, seed)
    print(f"{len(data)} daily reports of {people} simulated people; the model:")
    print(f"  {AFFECT_FORMULA}\n  sigma {AFFECT_SIGMA}\n")
    print(f"Compiling it and sampling {chains} chains of {warmup} + {draws} draws ...\n", flush=True)
    started = time.perf_counter()
    fitted = hm.fit(
        hm.bf(AFFECT_FORMULA, sigma=AFFECT_SIGMA),
        data,
        prior=AFFECT_PRIOR,
        chains=chains,
        warmup=warmup,
        draws=draws,
        seed=seed,
        data_name="simulated affect",
    )
    seconds = time.perf_counter() - started
    print(fitted)
    compared = compare(data.attrs["truth"], fitted.posterior)
    rhat = float(fitted.summary()["Rhat"].max(skipna=False))
    print()
    Console().print(_table(compared))
    print()
    print(verdict(compared, rhat, seconds))
    return 0 if succeeded(compared, rhat) else 1


@dataclass(frozen=True)
class Recovered:
    """A parameter's true value beside its posterior mean and central 95 % interval."""

    name: str
    truth: float
    estimate: float
    low: float
    high: float

    @property
    def inside(self) -> bool:
        """Whether the interval covers the true value."""
        return self.low <= self.truth <= self.high


def compare(truth: Mapping[str, float], posterior: xr.Dataset) -> list[Recovered]:
    """Each true value beside the draws that carry its name."""
    import numpy as np

    recovered = []
    for name, value in truth.items():
        draws = posterior[name].values
        low, high = np.quantile(draws, [0.025, 0.975])
        recovered.append(Recovered(name, value, float(draws.mean()), float(low), float(high)))
    return recovered


def succeeded(compared: Sequence[Recovered], rhat: float) -> bool:
    """Whether the chains agree and enough true values are inside their intervals."""
    return rhat <= LARGEST_RHAT and _n_inside(compared) >= SMALLEST_COVERAGE * len(compared)


def verdict(compared: Sequence[Recovered], rhat: float, seconds: float) -> str:
    """The line that the demo ends with."""
    return (
        f"{_n_inside(compared)} of {len(compared)} true values inside their 95 % intervals; "
        f"largest R-hat {rhat:.3f}; {seconds:.1f} s, compilation included."
    )


def _n_inside(compared: Sequence[Recovered]) -> int:
    return sum(row.inside for row in compared)


def _table(compared: Sequence[Recovered]) -> Table:
    from rich import box
    from rich.table import Table

    title = "What generated the data, and what the fit says"
    table = Table(title=title, box=box.SIMPLE_HEAD, show_edge=False, pad_edge=False)
    table.add_column("parameter", no_wrap=True)
    for column in ("truth", "estimate", "95 % interval", "inside"):
        table.add_column(column, justify="right", no_wrap=True)
    for row in compared:
        interval = f"{row.low:.2f} to {row.high:.2f}"
        inside = "yes" if row.inside else "no"
        table.add_row(row.name, f"{row.truth:.2f}", f"{row.estimate:.2f}", interval, inside)
    return table
