"""One chain of brms, formula and priors character by character those that hmlm gets."""

from __future__ import annotations

import shutil
import subprocess
import tempfile
from pathlib import Path

import pandas as pd

from gpu_benchmarks.affect_models import FORMULAS, PRIORS
from gpu_benchmarks.measurement import Measurement, Seconds, Settings

SCRIPT = Path(__file__).with_name("run_brms.R")


def run(name: str, table: pd.DataFrame, settings: Settings) -> Measurement:
    """Model ``name`` in ``Rscript``, brms's defaults; R's own start and exit are not in ``everything``.

    Raises:
        subprocess.CalledProcessError: R failed; its messages are on standard error.
    """
    with tempfile.TemporaryDirectory() as text:
        folder = Path(text)
        table.to_csv(folder / "table.csv", index=False)
        (folder / "formula.R").write_text(FORMULAS[name], encoding="utf-8")
        (folder / "prior.R").write_text(PRIORS[name], encoding="utf-8")
        numbers = map(str, (settings.warmup, settings.draws, settings.seed))
        rscript = shutil.which("Rscript") or "Rscript"
        subprocess.run([rscript, str(SCRIPT), str(folder), *numbers], check=True)
        return read(folder, settings)


def read(folder: Path, settings: Settings) -> Measurement:
    """What ``run_brms.R`` wrote."""
    draws = pd.read_csv(folder / "draws.csv")
    facts = pd.read_csv(folder / "facts.csv").iloc[0]
    everything, warmup, sampling = (float(facts[name]) for name in ("everything", "warmup", "sampling"))
    return Measurement(
        settings=settings,
        seconds=Seconds(everything - warmup - sampling, warmup, sampling, everything),
        leapfrogs=float(facts["leapfrogs"]),
        divergences=int(facts["divergences"]),
        draws={str(parameter): values.to_numpy(float) for parameter, values in draws.items()},
        versions={package: str(facts[package]) for package in ("R", "brms", "rstan")},
    )
