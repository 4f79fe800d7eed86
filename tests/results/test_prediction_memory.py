"""A long run of the affect model's size: its predictions fit in little memory."""

from __future__ import annotations

import subprocess
import sys

import pytest

SCRIPT = """
import resource
import numpy as np, pandas as pd
import hmlm as hm
from tests.results.test_prediction import Case, as_fit, made_up_draws
rng = np.random.default_rng(0)
n = 13033
table = pd.DataFrame({"g": np.arange(n) % 193, "y": rng.normal(size=n)})
for name in "abcde":
    table[name] = rng.normal(size=n)
formula = hm.bf("y ~ a + b + c + d*e + (1 + a + e | i | g)", sigma="~ b + c + d*e + (1 + e | i | g)")
case = Case(formula, table)
case.posterior, case.effects = made_up_draws(case.spec, chains=4, draws=4000)
fit = as_fit(case)
summary = fit.epred(summary=True)
assert len(summary) == n and np.isfinite(summary.to_numpy()).all()
total = sum(values.sum() for _, values in fit.prediction("epred").chunks())
np.testing.assert_allclose(total / 16000, summary["Estimate"].sum(), rtol=1e-8)
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)
"""


@pytest.mark.nightly
def test_16_000_draws_of_13_033_rows_are_summarised_and_streamed_within_a_gigabyte():
    done = subprocess.run([sys.executable, "-c", SCRIPT], capture_output=True, text=True, timeout=600)
    assert done.returncode == 0, done.stderr[-3000:]
    assert int(done.stdout) * 1024 < 2**30
