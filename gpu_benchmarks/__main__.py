"""``python -m gpu_benchmarks densities`` and ``python -m gpu_benchmarks peers``."""

from __future__ import annotations

import sys
from collections.abc import Collection, Sequence
from pathlib import Path

from cyclopts import App, CycloptsError

from gpu_benchmarks.affect_models import FORMULAS
from gpu_benchmarks.pinning import pin

USAGE_ERROR = 2
ENGINES = ("hmlm", "numpyro", "pymc")

app = App(name="python -m gpu_benchmarks", help="How fast hmlm is next to its peers, one core, float64.")


class UsageError(ValueError):
    """An option that names something unknown."""


@app.command
def densities(*, models: str = "m1,m2,m3,m4,m5", repeats: int = 7, out: Path | None = None) -> None:
    """Time of one evaluation of log density and gradient, by model and treatment of the effects.

    Args:
        models: which of m1 to m5, with commas.
        repeats: batches of evaluations, of which the median is printed.
        out: a Markdown file for the table, which is printed anyway.
    """
    wanted = chosen(models, FORMULAS, "--models")
    pin()
    from gpu_benchmarks.densities import report

    publish(report(wanted, repeats), out)


@app.command
def peers(
    *,
    models: str = "m1,m2,m4,m5",
    engines: str = ",".join(ENGINES),
    warmup: int = 500,
    draws: int = 1000,
    numpyro_draws: int = 500,
    repeats: int = 2,
    seed: int = 14,
    out: Path | None = None,
) -> None:
    """Effective draws per second of hmlm, NumPyro by hand and PyMC by hand.

    Args:
        models: which of m1 to m5, with commas.
        engines: which of hmlm, numpyro and pymc, with commas.
        warmup: warm-up draws of every engine.
        draws: draws kept of hmlm and PyMC.
        numpyro_draws: draws kept of NumPyro by hand, whose draws take 255 leapfrog steps.
        repeats: runs of every engine, with different seeds; the first compiles with empty caches.
        seed: of the first run.
        out: a Markdown file for the table, which is printed anyway.
    """
    wanted = chosen(models, FORMULAS, "--models"), chosen(engines, ENGINES, "--engines")
    pin()
    from gpu_benchmarks.peers import Request, report

    kept = {"hmlm": draws, "numpyro": numpyro_draws, "pymc": draws}
    publish(report(Request(*wanted, warmup, kept, repeats, seed)), out)


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


def publish(table: str, out: Path | None) -> None:
    """Print a table, and write it where that is asked for."""
    print(table)
    if out is not None:
        out.write_text(f"{table}\n", encoding="utf-8")


def main(tokens: Sequence[str] | None = None) -> int:
    """Run the command line and return its exit status."""
    try:
        app(tokens, exit_on_error=False, result_action="return_value")
    except CycloptsError:
        return USAGE_ERROR
    except ValueError as error:
        return explained(error)
    return 0


def explained(error: ValueError) -> int:
    """Print what the user can put right without a traceback; any other error rises."""
    from hmlm.types import HmlmError

    if not isinstance(error, (UsageError, HmlmError)):
        raise error
    print(error, file=sys.stderr)
    return USAGE_ERROR


if __name__ == "__main__":
    sys.exit(main())
