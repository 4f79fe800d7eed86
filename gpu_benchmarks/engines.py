"""The engines that sample the same models, and why one is absent; imports none of them."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from importlib.util import find_spec

from gpu_benchmarks.affect_models import FORMULAS
from gpu_benchmarks.stated import STATED

PYMC_PACKAGES = ("pymc", "nutpie")
HAS_BRMS = 'quit(status = !requireNamespace("brms", quietly = TRUE))'


def always() -> None:
    """hmlm and what it depends on are here."""


def pymc_absent() -> str | None:
    """The line in place of PyMC where it is not installed."""
    missing = [package for package in PYMC_PACKAGES if find_spec(package) is None]
    if not missing:
        return None
    return f"PyMC is not measured: {' and '.join(missing)} cannot be imported; pip install -e '.[peers]'"


def brms_absent() -> str | None:
    """The line in place of brms where R does not have it."""
    rscript = shutil.which("Rscript")
    if rscript is None:
        return "brms is not measured: no Rscript here; install R and its package brms"
    if subprocess.run([rscript, "-e", HAS_BRMS], capture_output=True).returncode:
        return "brms is not measured: R has no package brms; install.packages('brms')"
    return None


@dataclass(frozen=True)
class Engine:
    """One engine.

    Attributes:
        label: in tables.
        module: with ``run(model, table, settings)``.
        absent: why it cannot run here, None where it can.
        models: that it can run.
    """

    label: str
    module: str
    absent: Callable[[], str | None] = always
    models: Collection[str] = tuple(STATED)


ENGINES: Mapping[str, Engine] = {
    "hmlm": Engine("hmlm", "gpu_benchmarks.run_hmlm"),
    "numpyro": Engine("NumPyro by hand", "gpu_benchmarks.run_numpyro"),
    "pymc": Engine("PyMC by hand, nutpie", "gpu_benchmarks.run_pymc", pymc_absent, tuple(FORMULAS)),
    "brms": Engine("brms", "gpu_benchmarks.run_brms", brms_absent, tuple(FORMULAS)),
}


def present(names: Sequence[str]) -> tuple[list[str], list[str]]:
    """Those of these engines that run here, and a line for each that does not."""
    absent = {name: ENGINES[name].absent() for name in names}
    return [name for name, line in absent.items() if not line], [line for line in absent.values() if line]


def pairs(models: Sequence[str], engines: Sequence[str]) -> tuple[list[tuple[str, str]], list[str]]:
    """Each model with each engine that can run it, and a line for each that cannot."""
    every = [(model, engine) for model in models for engine in engines]
    notes = [
        f"{model} is not measured with {ENGINES[engine].label}, which has no program for it"
        for model, engine in every
        if model not in ENGINES[engine].models
    ]
    return [(model, engine) for model, engine in every if model in ENGINES[engine].models], notes
