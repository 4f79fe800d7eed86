"""NUTS, ChEES and MEADS draw from the same posterior, and converge from any seed."""

from __future__ import annotations

from functools import cache

import numpy as np
import pytest
from arviz_stats.base.array import array_stats

import hmlm as hm
from gpu_benchmarks.affect_models import FORMULAS, PRIORS
from hmlm.infer.settings import CHEES, MEADS, NUTS

MODELS = ("m4", "m5")
RUNS = {
    NUTS: {"chains": 4, "warmup": 300, "draws": 2000},
    CHEES: {"chains": 64, "warmup": 300, "draws": 500},
    MEADS: {"chains": 64, "warmup": 300, "draws": 500},
}
QUANTILES = (0.025, 0.975)
LARGEST = 4.0  # difference, in Monte-Carlo standard errors of the two runs
SEEDS = range(10)

pytestmark = [pytest.mark.nightly, pytest.mark.data]


def fitted(model: str, algorithm: str, seed: int, **changes: int) -> hm.Fit:
    settings = RUNS[algorithm] | changes
    stated = hm.model(FORMULAS[model], hm.load_dataset("williams"), prior=PRIORS[model])
    return stated.fit(algorithm=algorithm, seed=seed, progress=False, **settings)


@cache
def values(model: str, algorithm: str) -> np.ndarray:
    """(P, C, S) draws of the population-level parameters."""
    return fitted(model, algorithm, seed=7).values


def statistics(draws: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """(4, P) means, sds and tail quantiles, and their Monte-Carlo standard errors."""
    found = [draws.mean(axis=(1, 2)), draws.std(axis=(1, 2)), *np.quantile(draws, QUANTILES, axis=(1, 2))]
    kinds = [{"method": "mean"}, {"method": "sd"}, *({"method": "quantile", "prob": p} for p in QUANTILES)]
    errors = [array_stats.mcse(draws, chain_axis=1, draw_axis=2, **kind) for kind in kinds]
    return np.stack(found), np.stack(errors)


@pytest.mark.filterwarnings("ignore::hmlm.types.SamplingWarning")
@pytest.mark.parametrize("algorithm", [CHEES, MEADS])
@pytest.mark.parametrize("model", MODELS)
def test_means_sds_and_tails_are_those_of_nuts(model, algorithm):
    ours, our_errors = statistics(values(model, algorithm))
    theirs, their_errors = statistics(values(model, NUTS))
    z = np.abs(ours - theirs) / np.hypot(our_errors, their_errors)
    assert z.max() < LARGEST, np.round(z.max(axis=1), 2)


@pytest.mark.filterwarnings("ignore::hmlm.types.SamplingWarning")
@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("algorithm", RUNS)
@pytest.mark.parametrize("model", MODELS)
def test_converges_from_default_initial_values(model, algorithm, seed):
    fit = fitted(model, algorithm, seed, **({"draws": 1000} if algorithm == NUTS else {}))
    assert np.nanmax(fit.convergence.rhat) < 1.01 + 0.01
    assert np.nanmin(fit.convergence.bulk) > 400
    assert int(fit.sample_stats["diverging"].sum()) == 0
