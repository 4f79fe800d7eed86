"""However group effects are sampled, or integrated out, the posterior is the same."""

from __future__ import annotations

from dataclasses import replace
from functools import cache

import numpy as np
import pandas as pd
import pytest
from arviz_stats.base.array import array_stats

import hmlm as hm
from hmlm.infer.driver import sample
from hmlm.infer.settings import Settings
from hmlm.results.convergence import convergence

from .quantities import quantities
from .sbc_models import CORRELATED_SLOPES, MELSM, TWO_OUTCOMES, Case

SETTINGS = Settings(chains=4, warmup=1000, draws=2000, seed=8, target_accept=0.95)
REFERENCE = "marginal"
OTHERS = ("informed", "centered", "noncentered")
SLOPE_SD = {CORRELATED_SLOPES.name: 1.0}  # elsewhere 0.6
LARGEST = 4.0  # difference, in Monte-Carlo standard errors of the two runs
LEAST_ESS = 200  # of every quantity: with fewer the standard errors are not to be trusted

pytestmark = pytest.mark.statistics


def table(slope_sd: float) -> pd.DataFrame:
    """192 rows in 24 groups: enough that centred and non-centred effects both sample well.

    Standard deviations and correlations stay away from the boundary, in whose funnel centred chains stick.
    """
    rng = np.random.default_rng(6)
    group = np.repeat(np.arange(24), 8)
    related = 0.7 * np.eye(4) + 0.3
    level, slope, other_level, scale = rng.multivariate_normal(np.zeros(4), related, 24).T[:, group]
    x, noise, other_noise = rng.normal(size=(3, len(group)))
    y = 0.4 + 0.5 * x + level + slope_sd * slope * x + np.exp(0.1 * x + 0.4 * scale) * noise
    v = -0.2 + 0.3 * x + 0.8 * other_level + 0.5 * noise + 0.8 * other_noise
    return pd.DataFrame({"y": y, "v": v, "x": x, "g": group})


@cache
def draws(case: Case, choice: str) -> dict[str, np.ndarray]:
    """Draws (C, S) of every quantity with every block treated by ``choice``."""
    model = hm.model(
        case.formula, table(SLOPE_SD.get(case.name, 0.6)), prior=list(case.prior), density=choice
    )
    position = sample(model.log_density, SETTINGS, progress=False).draws.position
    flat = position.reshape(-1, position.shape[-1])
    outcomes = np.stack([outcome.values for outcome in model.design.outcomes])
    values, effects = model.log_density.constrain(flat), model.log_density.effects(flat, SETTINGS.seed)
    named = quantities(model, outcomes, values, list(effects))
    return {name: value.reshape(position.shape[:2]) for name, value in named.items()}


def moments(named: dict[str, np.ndarray]) -> pd.DataFrame:
    """Mean and standard deviation of every quantity, each with its Monte-Carlo standard error."""
    values = np.stack(list(named.values()))
    columns = {"mean": values.mean((1, 2)), "sd": values.std((1, 2), ddof=1)}
    errors = {
        f"{method}_error": array_stats.mcse(values, chain_axis=1, draw_axis=2, method=method)
        for method in columns
    }
    return pd.DataFrame({**columns, **errors}, index=list(named))


def differences(first: pd.DataFrame, second: pd.DataFrame) -> pd.DataFrame:
    """Differences in Monte-Carlo standard errors of both runs, columns ``mean`` and ``sd``."""
    return pd.DataFrame(
        {
            what: (first[what] - second[what]) / np.hypot(first[f"{what}_error"], second[f"{what}_error"])
            for what in ("mean", "sd")
        }
    )


@pytest.mark.parametrize("case", [CORRELATED_SLOPES, MELSM, TWO_OUTCOMES], ids=lambda case: case.name)
def test_forced_choices_agree(case):
    found = {choice: draws(case, choice) for choice in (REFERENCE, *OTHERS)}
    least = {
        choice: convergence(np.stack(list(named.values()))).bulk.min() for choice, named in found.items()
    }
    assert min(least.values()) > LEAST_ESS, least
    for choice in OTHERS:
        apart = differences(moments(found[REFERENCE]), moments(found[choice]))
        assert (apart.abs() < LARGEST).all(axis=None), f"{choice}\n{apart.round(1).to_string()}"


def test_another_posterior_is_noticed():
    """The same comparison tells apart the posteriors under two priors."""
    others = tuple(prior for prior in CORRELATED_SLOPES.prior if prior.class_ != "b")
    moved = replace(CORRELATED_SLOPES, prior=(*others, hm.prior("normal(0.5, 0.1)", "b")))
    apart = differences(moments(draws(CORRELATED_SLOPES, REFERENCE)), moments(draws(moved, REFERENCE)))
    assert apart["mean"].abs().max() > LARGEST
