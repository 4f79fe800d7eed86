"""``python -m gpu_benchmarks``: every suite, or one by its name."""

from __future__ import annotations

import sys
from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Annotated

from cyclopts import App, CycloptsError, Parameter

from gpu_benchmarks.affect_models import FORMULAS
from gpu_benchmarks.engines import ENGINES
from gpu_benchmarks.machine import find_platform
from gpu_benchmarks.pinning import pin, prepare
from gpu_benchmarks.sizes import AUTO, SIZES, Size
from gpu_benchmarks.stated import STATED
from gpu_benchmarks.suites import SUITES, run_all

FAILED, USAGE_ERROR = 1, 2
CHUNK = 100  # draws of hmlm between two looks from the host
SAMPLED = ("m1", "m2", "m4", "m5")  # by the suites that run the peers, whose m3 takes very long
AGAINST = "hmlm,pymc"

app = App(name="python -m gpu_benchmarks", help="How fast hmlm is on this machine, and next to its peers.")


class UsageError(ValueError):
    """An option that names something unknown."""


@Parameter(name="*")
@dataclass(frozen=True)
class Common:
    """Options of every suite.

    Attributes:
        size: tiny, cpu, gpu, or auto for what suits the machine.
        data: williams, or simulated:PEOPLExDAYS; the size's by default.
        models: which of m1 to m5, with commas; the size's by default. ``peers`` has speed_dating too.
        out: a folder for SUITE.md and SUITE.json; the tables are printed anyway.
    """

    size: str = AUTO
    data: str | None = None
    models: str | None = None
    out: Path | None = None


Options = Annotated[Common, Parameter(name="*")]
COMMON = Common()


@app.default
def everything(*, suites: str = ",".join(SUITES), common: Options = COMMON) -> int:
    """Every suite, one after another.

    Args:
        suites: which of them, with commas.
        common: options of every suite.
    """
    wanted = chosen(suites, SUITES, "--suites")
    sized(common)
    given = {"--size": common.size, "--data": common.data, "--models": common.models}
    options = [text for name, value in given.items() if value is not None for text in (name, value)]
    return FAILED if run_all(wanted, options, common.out) else 0


app.command(everything, name="all")


@app.command
def densities(*, repeats: int | None = None, common: Options = COMMON) -> None:
    """Time of one evaluation of log density and gradient, by model, treatment of the effects and backend.

    Args:
        repeats: batches of evaluations, of which the median is printed.
        common: options of every suite.
    """
    size = on_device(common)
    from gpu_benchmarks.densities import report

    publish(report(size if repeats is None else replace(size, repeats=repeats)), common)


@app.command
def samplers(*, seed: int = 14, common: Options = COMMON) -> None:
    """Effective draws per second of hmlm's samplers, compile time apart."""
    size = on_device(common)
    from gpu_benchmarks.samplers import report

    publish(report(size, seed), common)


@app.command
def devices(*, common: Options = COMMON) -> None:
    """The same chains on one device and on several, and on one CPU core and on all of them."""
    size = sized(common)
    from gpu_benchmarks.devices import report

    publish(report(size), common)


@app.command
def scaling(*, common: Options = COMMON) -> None:
    """Time of a gradient by rows, levels, varying coefficients and chains, on simulated data."""
    size = on_device(common)
    from gpu_benchmarks.scaling import report

    publish(report(size), common)


@app.command
def precision(*, seed: int = 14, common: Options = COMMON) -> None:
    """Gradients and posteriors of every device and precision against float64 on the CPU."""
    size = on_device(common)
    from gpu_benchmarks.precision import report

    publish(report(size, seed), common)


@app.command
def launches(*, common: Options = COMMON) -> None:
    """Launches per gradient: compiled for, and measured."""
    size = on_device(common)
    from gpu_benchmarks.launches import report

    publish(report(size), common)


@app.command
def memory(*, common: Options = COMMON) -> None:
    """Memory by number of chains and length of chunks."""
    size = on_device(common)
    from gpu_benchmarks.memory import report

    publish(report(size), common)


@app.command
def flags(*, common: Options = COMMON) -> None:
    """A sweep of XLA flags in subprocesses, each run twice."""
    size = on_device(common)
    from gpu_benchmarks.flags import report

    publish(report(size), common)


@app.command(name="compile")
def compiling(
    *,
    engines: str = AGAINST,
    warmup: int | None = None,
    draws: int | None = None,
    seed: int = 14,
    common: Options = COMMON,
) -> None:
    """Time to the first draw, and to 1 000 effective draws next to PyMC, on one CPU core.

    Args:
        engines: of the second table: hmlm, pymc, numpyro, brms, with commas.
        warmup, draws: of its runs.
        seed: of its runs.
        common: options of every suite.
    """
    names, size = chosen(engines, ENGINES, "--engines"), on_one_core(common)
    from gpu_benchmarks.compiling import report
    from gpu_benchmarks.effective import Request

    numbers = whole_chunks(size, warmup, draws)
    publish(report(size, Request(size.data, size.models, names, *numbers, seed)), common)


@app.command
def peers(
    *,
    engines: str = ",".join(ENGINES),
    warmup: int | None = None,
    draws: int | None = None,
    numpyro_draws: int | None = None,
    repeats: int = 2,
    seed: int = 14,
    common: Options = COMMON,
) -> None:
    """Effective draws per second of hmlm, NumPyro and PyMC by hand, and brms where R has it, on one CPU core.

    Args:
        engines: which of hmlm, numpyro, pymc and brms, with commas.
        warmup: warm-up draws of every engine.
        draws: draws kept of every engine but NumPyro.
        numpyro_draws: draws kept of NumPyro by hand, whose draws take 255 leapfrog steps; half by default.
        repeats: runs of every engine, with different seeds; the first compiles with empty caches.
        seed: of the first run.
        common: options of every suite.
    """
    names, size = chosen(engines, ENGINES, "--engines"), on_one_core(common, STATED)
    from gpu_benchmarks.peers import Request, report

    before, many = whole_chunks(size, warmup, draws)
    kept = {**dict.fromkeys(ENGINES, many), "numpyro": numpyro_draws or many // 2}
    publish(report(Request(size.data, size.models, names, before, kept, repeats, seed)), common)


def on_device(common: Common) -> Size:
    """The size of a suite that runs where JAX does, the process prepared for it."""
    size = sized(common)
    prepare(find_platform())
    return size


def on_one_core(common: Common, known: Collection[str] = FORMULAS) -> Size:
    """The size of a suite that runs the peers, the process pinned to one core."""
    size = sized(common, known)
    pin()
    few = [model for model in size.models if model in SAMPLED]
    return size if common.models is not None else replace(size, models=tuple(few))


def sized(common: Common, known: Collection[str] = FORMULAS) -> Size:
    """The size that was asked for, models among those that are known.

    Raises:
        UsageError: unknown size or models.
    """
    if common.size not in (AUTO, *SIZES):
        raise UsageError(f"--size {common.size}: choose from {','.join((AUTO, *SIZES))}")
    models = None if common.models is None else tuple(chosen(common.models, known, "--models"))
    size = SIZES[find_platform() if common.size == AUTO else common.size]
    return replace(size, data=common.data or size.data, models=models or size.models)


def whole_chunks(size: Size, warmup: int | None, draws: int | None) -> tuple[int, int]:
    """Warm-up and draws, the size's where they are not given.

    Raises:
        UsageError: hmlm, which looks at the clock once a chunk, would count one as the other.
    """
    numbers = size.warmup if warmup is None else warmup, size.draws if draws is None else draws
    for option, number in zip(("--warmup", "--draws"), numbers, strict=True):
        if number < CHUNK or number % CHUNK:
            raise UsageError(f"{option} {number}: a multiple of {CHUNK}, which is how often time is taken")
    return numbers


def chosen(text: str, known: Collection[str], option: str) -> list[str]:
    """The names in ``"m1,m4"``.

    Raises:
        UsageError: one of them is unknown.
    """
    names = [name.strip() for name in text.split(",") if name.strip()]
    unknown = [name for name in names if name not in known]
    if unknown or not names:
        raise UsageError(f"{option} {text}: choose from {','.join(known)}")
    return names


def publish(report, common: Common) -> None:
    """Print a report, and write it where that is asked for."""
    print(report.markdown())
    if common.out is not None:
        report.write(common.out)


def main(tokens: Sequence[str] | None = None) -> int:
    """Run the command line and return its exit status."""
    try:
        status = app(tokens, exit_on_error=False, result_action="return_value")
    except CycloptsError:
        return USAGE_ERROR
    except ValueError as error:
        return explained(error)
    return status or 0


def explained(error: ValueError) -> int:
    """Print what the user can put right without a traceback; any other error rises."""
    from hmlm.types import HmlmError

    if not isinstance(error, (UsageError, HmlmError)):
        raise error
    print(error, file=sys.stderr)
    return USAGE_ERROR


if __name__ == "__main__":
    sys.exit(main())
