"""What one evaluation of a log density and its gradient takes, and how far from the floor that is."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping
from functools import partial

import jax
import jax.numpy as jnp
import pandas as pd
from jax.flatten_util import ravel_pytree
from numpyro.infer import init_to_value
from numpyro.infer.util import initialize_model

import hmlm as hm
from gpu_benchmarks.affect_models import FORMULAS, PRIORS
from gpu_benchmarks.backends import BACKENDS, usable
from gpu_benchmarks.by_hand import MODELS_BY_HAND
from gpu_benchmarks.data import affect_table, described
from gpu_benchmarks.machine import CPU, this_machine
from gpu_benchmarks.report import Report, Table
from gpu_benchmarks.roofline import Core, Timed, core, roofline_table
from gpu_benchmarks.sizes import Size
from gpu_benchmarks.timing import Target, Timing, double, measure
from gpu_benchmarks.work import kernel_of
from hmlm.density.log_density import log_density

TREATMENTS = {
    "auto": "hmlm, integrated out",
    "informed": "hmlm, informed",
    "noncentered": "hmlm, noncentered",
}
MORE_ROWS = 10
MORE = f"hmlm, integrated out, {MORE_ROWS} x the rows"
BY_HAND = "NumPyro by hand"
HEADER = (
    "model",
    "log density",
    "backend",
    "sampled dimensions",
    "µs per evaluation",
    "compile s",
    "NumPyro by hand ×",
)
EXPLANATION = """\
Log density and gradient, one chain, float64; median over repeats of many evaluations in one compiled
loop, each at another point. Integrated out: the default, effects in a Gaussian mean integrated out and
those of log sigma in informed coordinates. 10 x the rows: every person's rows ten times. Informed,
noncentered: every effect sampled. NumPyro by hand: the potential of the program in
`gpu_benchmarks/affect_numpyro.py`. Compile: tracing and compiling the loop, no cache. NumPyro by hand ×:
its time over this one's; what a treatment does to the number of evaluations per effective draw comes on
top."""

Timings = Mapping[tuple[str, str], Timing]  # by log density and backend


def report(size: Size) -> Report:
    """Time everything, one model after another."""
    jax.config.update("jax_enable_compilation_cache", False)
    table = affect_table(size.data)
    timings = {name: model_timings(name, table, size) for name in size.models}
    rows = [row for name in size.models for row in model_rows(name, timings[name])]
    title = f"One evaluation of log density and gradient ({described(size.data, table)})"
    tables = [Table(title, HEADER, rows, EXPLANATION)]
    if jax.default_backend() == CPU:
        tables.append(floors(table, timings, core()))
    return Report("densities", tables, this_machine())


def floors(table: pd.DataFrame, timings: Mapping[str, Timings], one: Core) -> Table:
    """The default treatment of every model next to its kernel's floor."""
    timed = []
    for name, by_case in timings.items():
        kernel = kernel_of(stated(name, table, "auto").log_density)
        for backend in usable():
            timing = by_case[TREATMENTS["auto"], backend]
            timed.append(Timed(name, backend, kernel, timing.microseconds * 1e-6))
    return roofline_table(timed, one)


def model_timings(name: str, table: pd.DataFrame, size: Size) -> Timings:
    """Every treatment of one model on every backend, NumPyro by hand last."""
    more = pd.concat([table] * MORE_ROWS, ignore_index=True)
    cases = [*((kind, label, table) for kind, label in TREATMENTS.items()), ("auto", MORE, more)]
    targets = {
        (label, backend): partial(hmlm_target, name, rows, kind, backend)
        for kind, label, rows in cases
        for backend in usable()
    }
    targets[BY_HAND, "xla"] = partial(numpyro_target, name, table)
    timings = {}
    for case, target in targets.items():
        timings[case] = measure(target(), size.repeats, size.seconds)
        print(f"{name} {', '.join(case)}: {timings[case].microseconds:.1f} µs", file=sys.stderr, flush=True)
    return timings


def model_rows(name: str, timings: Timings) -> Iterator[tuple]:
    """A row per case of one model."""
    by_hand = timings[BY_HAND, "xla"].microseconds
    for (label, backend), timing in timings.items():
        ratio = None if label in (BY_HAND, MORE) else by_hand / timing.microseconds
        yield name, label, backend, timing.size, timing.microseconds, timing.compile, ratio


def stated(name: str, table: pd.DataFrame, treatment: str = "auto", backend: str | None = None) -> hm.Model:
    """Model ``name`` of the affect data; without a backend hmlm chooses."""
    chosen = {} if backend is None else BACKENDS[backend]
    return hm.model(FORMULAS[name], table, prior=PRIORS[name], density=treatment, **chosen)


def hmlm_target(name: str, table: pd.DataFrame, treatment: str, backend: str) -> Target:
    """hmlm's log density of model ``name`` under a treatment of its effects."""
    density = stated(name, table, treatment, backend).log_density
    return Target(partial(log_density, density.static), double(density.initial), density.data)


def numpyro_target(name: str, table: pd.DataFrame) -> Target:
    """The log density of the program by hand over its unconstrained sites, raveled."""
    by_hand = MODELS_BY_HAND[name](table)
    initial, potential, *_ = initialize_model(
        jax.random.key(0),
        by_hand.program,
        init_strategy=init_to_value(values=by_hand.start),
        dynamic_args=True,
        model_kwargs=by_hand.data,
    )
    x, unravel = ravel_pytree(initial.z)
    return Target(
        lambda x, data: -potential(**data)(unravel(x)), double(x), jax.tree.map(jnp.asarray, by_hand.data)
    )
