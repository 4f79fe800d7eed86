"""What R is given and what is read back; R itself is played by a script of its name."""

from __future__ import annotations

import subprocess
import sys

import pytest

from gpu_benchmarks.affect_models import FORMULAS, PRIORS
from gpu_benchmarks.measurement import Settings
from gpu_benchmarks.run_brms import run

from .tiny import table

PLAYED = """#!{python}
import sys
from pathlib import Path
script, folder, warmup, draws, seed = sys.argv[1:]
folder = Path(folder)
assert script.endswith("run_brms.R") and (folder / "table.csv").is_file()
assert (folder / "formula.R").read_text() == {formula!r} and (folder / "prior.R").read_text() == {prior!r}
assert (warmup, draws, seed) == ("100", "3", "5")
(folder / "draws.csv").write_text('"b_Intercept","sd_id__Intercept"\\n0.5,1\\n0.25,2\\n1,4\\n')
(folder / "facts.csv").write_text(
    '"everything","warmup","sampling","leapfrogs","divergences","R","brms","rstan"\\n'
    '10,3,2,7.5,1,"4.5.1","2.23.0","2.36"\\n')
"""


@pytest.fixture
def rscript(tmp_path, monkeypatch):
    """Puts a program called Rscript on the path."""

    def put(source: str) -> None:
        (tmp_path / "Rscript").write_text(source)
        (tmp_path / "Rscript").chmod(0o755)
        monkeypatch.setenv("PATH", str(tmp_path))

    return put


def test_formula_and_priors_go_to_r_as_pasted_and_draws_come_back(rscript):
    rscript(PLAYED.format(python=sys.executable, formula=FORMULAS["m2"], prior=PRIORS["m2"]))
    measured = run("m2", table(), Settings(100, 3, 5))
    assert measured.draws["sd_id__Intercept"].tolist() == [1.0, 2.0, 4.0]
    seconds = measured.seconds
    assert (seconds.setup, seconds.warmup, seconds.sampling, seconds.everything) == (5.0, 3.0, 2.0, 10.0)
    assert (measured.leapfrogs, measured.divergences) == (7.5, 1)
    assert measured.versions == {"R": "4.5.1", "brms": "2.23.0", "rstan": "2.36"}


def test_r_failing_is_an_error(rscript):
    rscript("#!/bin/sh\nexit 3\n")
    with pytest.raises(subprocess.CalledProcessError):
        run("m1", table(), Settings(100, 3, 5))
