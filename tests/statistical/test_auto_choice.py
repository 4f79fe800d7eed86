"""What ``density="auto"`` chooses is nearly the best choice, from weak data to strong."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

import hmlm as hm
from hmlm.density.plan import make_plan
from hmlm.infer.driver import sample
from hmlm.infer.settings import Settings
from hmlm.results.convergence import convergence

from .sbc_models import MELSM, RANDOM_INTERCEPT, Case

N_GROUPS = 30
FORCED = ("marginal", "informed", "centered", "noncentered")
SETTINGS = Settings(chains=2, warmup=500, draws=4000, seed=4, max_tree_depth=9)
SLACK = 0.8  # of the best choice's efficiency

pytestmark = pytest.mark.nightly


def table(rows: int, sd: float) -> pd.DataFrame:
    """30 groups of ``rows`` rows, whose levels and log scales vary by ``sd``; residuals of about 1."""
    rng = np.random.default_rng((9, rows))
    group = np.repeat(np.arange(N_GROUPS), rows)
    level, scale = sd * rng.normal(size=(2, N_GROUPS))
    x, noise = rng.normal(size=(2, len(group)))
    y = 0.3 + 0.5 * x + level[group] + np.exp(scale[group] / 2) * noise
    return pd.DataFrame({"y": y, "x": x, "g": group})


def efficiency(case: Case, data: pd.DataFrame, choice: str) -> float:
    """Smallest bulk ESS of a population-level parameter, at most the number of draws, per leapfrog step."""
    model = hm.model(case.formula, data, prior=list(case.prior), density=choice)
    draws = sample(model.log_density, SETTINGS, progress=False).draws
    values = np.stack(list(model.log_density.constrain(draws.position).values()))
    ess = min(float(np.nanmin(convergence(values).bulk)), draws.lp.size)
    return ess / float(draws.n_steps.sum())


def efficiencies(case: Case, data: pd.DataFrame) -> dict[str, float]:
    """Of every choice; where "auto" plans what a forced choice plans, the run is the same."""
    found = {choice: efficiency(case, data, choice) for choice in FORCED}
    spec = hm.model(case.formula, data, prior=list(case.prior)).spec
    same = [choice for choice in FORCED if make_plan(spec, choice) == make_plan(spec, "auto")]
    return {**found, "auto": found[same[0]] if same else efficiency(case, data, "auto")}


@pytest.mark.parametrize("sd", [0.05, 0.4, 2.0])
@pytest.mark.parametrize("rows", [1, 3, 10, 100])
@pytest.mark.parametrize("case", [RANDOM_INTERCEPT, MELSM], ids=lambda case: case.name)
def test_auto_is_nearly_the_best_choice(case, rows, sd):
    found = efficiencies(case, table(rows, sd))
    assert found["auto"] >= SLACK * max(found.values()), found
