"""How a fit was computed: the plan, the sampler's settings, times and versions."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import pandas as pd

from hmlm.density.backend import AUTO, Backend, choose_backend, native_instructions
from hmlm.density.explain import Treatment, treatments
from hmlm.density.plan import make_plan
from hmlm.results.report.grid import GROUP, NAME, Table, set_table
from hmlm.results.report.words import count
from hmlm.results.table import seconds_of
from hmlm.spec.spec import Spec

if TYPE_CHECKING:
    from hmlm.results.fit import Fit

PHASES = {"warmup": "warm-up"}


class Fact(NamedTuple):
    """A thing and what is known of it."""

    name: str
    value: str


def plan_table(fit: Fit, spec: Spec) -> Table | None:
    """How each block of group effects was treated, as ``explain()`` says; None without group effects."""
    rows = [
        {
            GROUP: f"Block {row.block}, {count(row.levels)} levels",
            NAME: ", ".join(row.coefficients),
            "Treatment": row.treatment,
            "Dimensions sampled": count(row.sampled),
            "Reason": row.reason,
        }
        for row in _treatments(fit, spec)
    ]
    if not rows:
        return None
    html = set_table(pd.DataFrame(rows), None, None, ["Treatment", "Reason"])
    return Table("Treatment of the group effects", html)


def facts(fit: Fit, spec: Spec) -> tuple[Fact, ...]:
    """Settings, work, times and versions."""
    every = (*_settings(fit), *_dimensions(fit, spec), *_work(fit), *_run(fit))
    return tuple(fact for fact in every if fact.value)


def _dimensions(fit: Fit, spec: Spec) -> Iterator[Fact]:
    every = sum(block.size * spec.factors[block.factor].n_levels for block in spec.blocks)
    if every:
        sampled = sum(row.sampled for row in _treatments(fit, spec))
        yield Fact("Group effects", f"{count(sampled)} of {count(every)} sampled, the others integrated out")


def _treatments(fit: Fit, spec: Spec) -> tuple[Treatment, ...]:
    choice = AUTO if fit.statement is None else fit.statement.density
    return treatments(spec, make_plan(spec, choice), choice)


def _settings(fit: Fit) -> Iterator[Fact]:
    info, statement = fit.info, fit.statement
    chains = "1 chain" if info.chains == 1 else f"{info.chains} chains, each"
    early = "; the run was interrupted" if info.interrupted else ""
    draws = f"{chains} {count(info.warmup)} warm-up and {count(info.draws)} kept draws{early}"
    if info.approximate:
        draws = f"{count(info.draws)} independent draws"
    yield Fact("Sampler", f"{info.algorithm}, {draws}")
    yield Fact("Seed", str(info.seed))
    if statement is not None and not info.approximate:
        yield Fact("Target acceptance", f"{statement.settings.target_accept:g}")
        yield Fact("Largest tree depth", str(info.max_tree_depth))
    yield Fact("Density", info.density.replace(" x ", " × "))
    if statement is not None:
        choice = statement.density
        asked = choice if isinstance(choice, str) else ", ".join(f"{b}: {c}" for b, c in choice.items())
        yield Fact("Choices", f"density {asked}, kernels {statement.kernels}{_kernels(statement.kernels)}")


def _kernels(asked: str) -> str:
    """Who computes the likelihood where that was left open: a file does not say, this machine does."""
    if asked != AUTO:
        return ""
    chosen = choose_backend(asked)
    own = f"{chosen.value}, {native_instructions()}" if chosen is Backend.NATIVE else chosen.value
    return f" (on the machine that wrote this page: {own})"


def _work(fit: Fit) -> Iterator[Fact]:
    stats = fit.sample_stats
    if "n_steps" in stats:
        total, each = int(stats["n_steps"].sum()), float(stats["n_steps"].mean())
        yield Fact("Gradients after warm-up", f"{count(total)}, {each:.1f} per draw")
    if "acceptance_rate" in stats:
        yield Fact("Mean acceptance", f"{float(stats['acceptance_rate'].mean()):.2f}")
    if "step_size" in stats:
        sizes = stats["step_size"].transpose("chain", "draw").values[:, -1]
        texts = dict.fromkeys(f"{size:.3g}" for size in np.atleast_1d(sizes))
        yield Fact("Step size", ", ".join(texts))


def _run(fit: Fit) -> Iterator[Fact]:
    info = fit.info
    phases = ", ".join(f"{PHASES.get(name, name)} {seconds:.1f}" for name, seconds in info.seconds)
    yield Fact("Time", f"{seconds_of(info):.1f} s ({phases})" if info.seconds else "")
    yield Fact("Versions", ", ".join(f"{package} {version}" for package, version in info.versions))
    yield Fact("Fingerprint of the outcomes", info.data_hash)
