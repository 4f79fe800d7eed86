"""What the figures come from: device, driver, cores, versions and flags."""

from __future__ import annotations

import os
import platform
import shutil
import subprocess
import sys
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from importlib.metadata import entry_points

from gpu_benchmarks.table import cpu_name, n_cores, versions

CPU, GPU = "cpu", "gpu"
PACKAGES = ("jax", "jaxlib", "numpyro")
PLUGINS = "jax_plugins"  # the entry points by which JAX finds devices other than the CPU
SETTINGS = ("JAX_", "XLA_", "CUDA_VISIBLE", "PYTENSOR_FLAGS", "NUMBA_")
ASK = "import jax; print(jax.default_backend())"


@dataclass(frozen=True)
class Machine:
    """Conditions of a measurement.

    Attributes:
        platform: ``"cpu"`` or ``"gpu"``.
        device: as its maker calls it.
        driver: of the GPU, None where there is none.
        cores: this process may use, and ``of_cores`` there are.
        python: version; system: the operating system.
        versions: of packages.
        flags: environment variables that JAX, XLA and the peers read.
    """

    platform: str
    device: str
    driver: str | None
    cores: int
    of_cores: int
    python: str
    system: str
    versions: Mapping[str, str]
    flags: Mapping[str, str]

    def line(self) -> str:
        """One paragraph."""
        packages = ", ".join(f"{name} {number}" for name, number in self.versions.items())
        flags = " ".join(f"{name}={value!r}" for name, value in self.flags.items()) or "none"
        driver = f", driver {self.driver}" if self.driver else ""
        return (
            f"{self.device} ({self.platform}{driver}); {self.cores} of {self.of_cores} CPU cores; "
            f"Python {self.python} on {self.system}; {packages}. Flags: {flags}."
        )


def this_machine(more: Mapping[str, str] | None = None) -> Machine:
    """The machine and the process as they are now.

    Args:
        more: versions of packages that other processes used.
    """
    import jax

    import hmlm as hm

    device = jax.devices()[0]
    on_cpu = device.platform == CPU
    return Machine(
        platform=CPU if on_cpu else GPU,
        device=cpu_name() if on_cpu else device.device_kind,
        driver=None if on_cpu else driver_version(),
        cores=n_cores(),
        of_cores=os.cpu_count() or 1,
        python=platform.python_version(),
        system=platform.system(),
        versions={"hmlm": hm.__version__, **versions(PACKAGES), **(more or {})},
        flags=flags(os.environ),
    )


def flags(environment: Mapping[str, str]) -> dict[str, str]:
    """What of an environment changes figures."""
    return {name: environment[name] for name in sorted(environment) if name.startswith(SETTINGS)}


def driver_version() -> str | None:
    """Of the first NVIDIA GPU, None where ``nvidia-smi`` is missing or fails."""
    tool = shutil.which("nvidia-smi")
    if tool is None:
        return None
    command = [tool, "--query-gpu=driver_version", "--format=csv,noheader"]
    done = subprocess.run(command, capture_output=True, text=True)
    lines = done.stdout.split()
    return lines[0] if done.returncode == 0 and lines else None


def find_platform() -> str:
    """Where JAX will run, found without starting JAX in this process."""
    wanted = os.environ.get("JAX_PLATFORMS", "")
    if wanted:
        return CPU if wanted.split(",")[0] == CPU else GPU
    if not installed(entry_points(group=PLUGINS)):
        return CPU
    done = subprocess.run([sys.executable, "-c", ASK], capture_output=True, text=True)
    return CPU if done.returncode or done.stdout.split()[-1:] == [CPU] else GPU


def installed(plugins: Iterable[object]) -> bool:
    """Whether there is any."""
    return any(True for _ in plugins)
