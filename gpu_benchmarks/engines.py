"""The engines that sample the same models, and why one is absent; imports none of them."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from importlib.util import find_spec

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
    """

    label: str
    module: str
    absent: Callable[[], str | None] = always


ENGINES: Mapping[str, Engine] = {
    "hmlm": Engine("hmlm", "gpu_benchmarks.run_hmlm"),
    "numpyro": Engine("NumPyro by hand", "gpu_benchmarks.run_numpyro"),
    "pymc": Engine("PyMC by hand, nutpie", "gpu_benchmarks.run_pymc", pymc_absent),
    "brms": Engine("brms", "gpu_benchmarks.run_brms", brms_absent),
}


def present(names: Sequence[str]) -> tuple[list[str], list[str]]:
    """Those of these engines that run here, and a line for each that does not."""
    absent = {name: ENGINES[name].absent() for name in names}
    return [name for name, line in absent.items() if not line], [line for line in absent.values() if line]
