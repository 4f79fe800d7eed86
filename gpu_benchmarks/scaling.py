"""How the time of a gradient grows with rows, levels, varying coefficients and chains, on simulated data."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from functools import partial

import jax

from gpu_benchmarks.backends import BACKENDS, usable
from gpu_benchmarks.machine import CPU, this_machine
from gpu_benchmarks.report import Report, Table
from gpu_benchmarks.roofline import Core, core, floor
from gpu_benchmarks.scaling_data import KERNELS, Case, simulated, stated
from gpu_benchmarks.sizes import Size
from gpu_benchmarks.timing import Target, double, measure
from gpu_benchmarks.work import kernel_of
from hmlm.density.log_density import LogDensity, log_density
from hmlm.infer.initial import starting_points

HEADER = (
    "kernel",
    "backend",
    "N",
    "J",
    "q",
    "chains",
    "sampled dimensions",
    "µs per evaluation",
    "µs per gradient",
    "floor µs",
    "share of floor",
    "compile s",
)
EXPLANATION = """\
Log density and gradient in float64 of `y ~ x1 + ... + (1 + x1 + ... | g)` on simulated data, sigma
constant (kernel statistics) or `sigma ~ x1 + (1 | g)` (kernel rows); N rows, J levels, q varying
coefficients, all integrated out; the first row of each kernel is the base case, of which the others
change one number. Chains: by vmap, from different points. Evaluation: of all chains; gradient: of one,
the evaluation over the number of chains. Median over repeats of many evaluations in one compiled loop,
whose steps a GPU's host starts one by one. Floor: of the kernel, `gpu_benchmarks/roofline.py`, times the
chains, on one CPU core; share: floor over evaluation."""


def report(size: Size) -> Report:
    """Time every case."""
    jax.config.update("jax_enable_compilation_cache", False)
    one = core() if jax.default_backend() == CPU else None
    rows = [row for kernel in KERNELS for case in cases(kernel, size) for row in case_rows(case, size, one)]
    title = "One gradient by rows N, levels J, varying coefficients q and chains"
    return Report("scaling", [Table(title, HEADER, rows, EXPLANATION)], this_machine())


def cases(kernel: str, size: Size) -> list[Case]:
    """The base case, and those that change one number of it."""
    base = Case(kernel, size.rows[0], size.levels[0], size.effects[0], size.chains[0])
    others = [base._replace(rows=n) for n in size.rows[1:]]
    others += [base._replace(levels=n) for n in size.levels[1:]]
    others += [base._replace(effects=n) for n in size.effects[1:]]
    return [base, *others, *(base._replace(chains=n) for n in size.chains[1:])]


def case_rows(case: Case, size: Size, one: Core | None) -> Iterator[tuple]:
    """A row per backend."""
    table = simulated(case)
    for backend in usable():
        density = stated(case, table, **BACKENDS[backend]).log_density
        check(case, density)
        timing = measure(target(density, case.chains), size.repeats, size.seconds)
        at_least = None if one is None else case.chains * floor(kernel_of(density), one).seconds * 1e6
        print(f"{backend} {case}: {timing.microseconds:.1f} µs", file=sys.stderr, flush=True)
        yield (
            case.kernel,
            backend,
            *case[1:],
            timing.size,
            timing.microseconds,
            timing.microseconds / case.chains,
            at_least,
            None if at_least is None else at_least / timing.microseconds,
            timing.compile,
        )


def check(case: Case, density: LogDensity) -> None:
    """That the model is the case.

    Raises:
        ValueError: hmlm chose the other kernel, or other sizes.
    """
    kernel = "rows" if density.data.statistics is None else "statistics"
    found = kernel, density.spec.n_rows, density.spec.factors[0].n_levels, kernel_of(density).effects
    if found != tuple(case[:4]):
        raise ValueError(f"asked for {case}, the model has {found}")


def target(density: LogDensity, chains: int) -> Target:
    """Its log density at one point or at (C, D) over-dispersed ones."""
    points = starting_points(density, chains, seed=0)
    start = double(points[0] if chains == 1 else points)
    return Target(partial(log_density, density.static), start, density.data)
