"""``hmlm doctor``: what is installed, what it runs on and what is known to go wrong with it."""

from __future__ import annotations

import importlib.metadata
import os
import platform
import re
from collections.abc import Sequence
from dataclasses import dataclass

PACKAGES = (
    "jax",
    "jaxlib",
    "numpyro",
    "blackjax",
    "optax",
    "numpy",
    "scipy",
    "pandas",
    "xarray",
    "h5netcdf",
    "arviz",
    "arviz-stats",
    "formulaic",
)


@dataclass(frozen=True)
class Finding:
    """One line of the report: ``mark`` is ``"ok"``, ``"note"``, ``"warning"`` or ``"problem"``."""

    what: str
    value: str
    mark: str = "ok"


def doctor(*, clear_cache: bool = False) -> int:
    """Report versions, devices, precision and known problems.

    Ends with status 1 if there is a problem.

    Args:
        clear_cache: remove the compiled programs that are kept between runs.
    """
    findings = [*_versions(), *_machine(), _data_folder(), _programs(clear=clear_cache)]
    _print(findings)
    return int(any(finding.mark == "problem" for finding in findings))


def advice(jaxlib: str, backend: str) -> Finding:
    """What is known about a jaxlib version on a backend (``"cpu"``, ``"gpu"`` or ``"tpu"``)."""
    version = tuple(int(part) for part in re.findall(r"\d+", jaxlib)[:3])
    if version == (0, 11, 1):
        return Finding(
            "this jaxlib",
            "0.11.1 makes small updates in a loop as slow as copying the whole array on CPU, and hmlm does "
            "not install with it: pip install --upgrade jax jaxlib",
            "problem",
        )
    if (0, 10, 2) <= version <= (0, 11, 0):
        return Finding(
            "this jaxlib",
            "0.10.2 to 0.11.0 add float32 numbers into few groups very slowly on GPUs (jax#38806). hmlm "
            "never does that; your own NumPyro models may, with x[index] in a gradient",
            "warning" if backend == "gpu" else "note",
        )
    return Finding("this jaxlib", "no known problem")


def precision(backend: str, kinds: Sequence[str]) -> str:
    """The floating-point type that hmlm computes in by default on these devices."""
    data_centre = re.compile(r"\b(A100|A30|H100|H200|GH200|B100|B200|GB200|V100|P100)\b")
    double = backend == "cpu" or (bool(kinds) and all(data_centre.search(kind) for kind in kinds))
    return "float64" if double else "float32"


def _versions() -> list[Finding]:
    python = Finding("python", platform.python_version())
    return [_own_version(), python, *(_version(package) for package in PACKAGES)]


def _own_version() -> Finding:
    try:
        return Finding("hmlm", importlib.metadata.version("hmlm"))
    except importlib.metadata.PackageNotFoundError:
        return Finding("hmlm", "runs from its source tree, not installed", "note")


def _version(package: str) -> Finding:
    try:
        return Finding(package, importlib.metadata.version(package))
    except importlib.metadata.PackageNotFoundError:
        return Finding(package, f"not installed: pip install {package}", "problem")


def _machine() -> list[Finding]:
    """Devices, precision and the advice about them; a broken JAX is itself a finding."""
    cores = Finding("CPU cores", str(len(os.sched_getaffinity(0)) if _has_affinity() else os.cpu_count()))
    try:
        import jax

        backend, devices = jax.default_backend(), jax.devices()
    except Exception as error:  # whatever a plugin raises is what the user has to read
        return [cores, Finding("devices", f"JAX does not start: {error}", "problem")]
    kinds = [device.device_kind for device in devices]
    return [
        cores,
        Finding("devices", f"{len(devices)} x {backend} ({', '.join(sorted(set(kinds)))})"),
        Finding("precision", f"{precision(backend, kinds)} by default; matrix products in full precision"),
        advice(importlib.metadata.version("jaxlib"), backend),
        _kernels(),
    ]


def _kernels() -> Finding:
    from hmlm.density.backend import native_instructions, native_missing

    instructions = native_instructions()
    if instructions is None:
        advice = "XLA computes instead, more slowly; install hmlm where there is a C++ compiler"
        return Finding("native kernels", f"{native_missing()}: {advice}", "note")
    return Finding("native kernels", instructions)


def _has_affinity() -> bool:
    return hasattr(os, "sched_getaffinity")


def _data_folder() -> Finding:
    folder = os.environ.get("HMLM_DATA_DIR")
    if not folder:
        return Finding("HMLM_DATA_DIR", "not set: load_dataset downloads and caches", "note")
    if not os.path.isdir(folder):
        return Finding("HMLM_DATA_DIR", f"{folder} is not a folder", "problem")
    return Finding("HMLM_DATA_DIR", folder)


def _programs(*, clear: bool) -> Finding:
    """Where compiled programs are kept between runs and how much of them there is."""
    from hmlm.infer.cache_folder import kept_bytes, programs_folder, ready_folder

    try:
        removed = _cleared() if clear else ""
        folder = programs_folder().parent
        reason = _why_none_are_kept()
    except Exception as error:  # no home folder, one that cannot be emptied, a broken JAX
        return Finding("compiled programs", f"not kept between runs: {error}", "warning")
    if reason is not None:
        return Finding("compiled programs", f"{removed}hmlm keeps none between runs: {reason}", "note")
    if ready_folder() is None:
        value = f"{removed}{folder} cannot be written to, or its disk is full: set HMLM_CACHE_DIR"
        return Finding("compiled programs", value, "warning")
    return Finding("compiled programs", f"{removed}{kept_bytes() / 1e6:.1f} MB in {folder}")


def _cleared() -> str:
    from hmlm.infer.cache_folder import clear

    return f"removed {clear() / 1e6:.1f} MB; "


def _why_none_are_kept() -> str | None:
    from hmlm.infer.program_cache import reason_for_none

    return reason_for_none()


def _print(findings: Sequence[Finding]) -> None:
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    table = Table(title="hmlm doctor")
    table.add_column("what", no_wrap=True)
    table.add_column("found", overflow="fold")
    table.add_column("verdict", no_wrap=True)
    colours = {"ok": "green", "note": "cyan", "warning": "yellow", "problem": "red"}
    for finding in findings:
        table.add_row(finding.what, Text(finding.value), Text(finding.mark, style=colours[finding.mark]))
    Console().print(table)
