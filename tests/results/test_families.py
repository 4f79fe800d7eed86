"""Every family is fitted, recovers what its data were made with, predicts and comes back from a file."""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from functools import cache

import jax
import numpy as np
import pandas as pd
import pytest
import xarray as xr

import hmlm as hm
from hmlm.density.laws.registry import law_of
from hmlm.density.links import LINKS
from hmlm.spec.family import Family, OutcomeKind

from ..families import TESTED

N_GROUPS, N_EACH, TRIALS = 40, 10, 9
LEVEL_SD, SLOPE, LEVEL = 0.4, 0.5, 0.3
CONSTANT = 0.4  # on its unbounded scale
SETTINGS = {"chains": 1, "warmup": 300, "draws": 400, "seed": 2, "progress": False}
LARGEST = 4.0  # distance of the truth, in posterior standard deviations
NAMES = tuple(name for name in TESTED if name != "gaussian")
EVERY_RUN = ("skew_normal", "zero_inflated_poisson")
MODELLED = {  # parameter that has a formula, with the slope of x in it
    "negbinomial": ("shape", 0.3),
    "gamma": ("shape", -0.4),
    "beta": ("phi", 0.5),
    "zero_inflated_poisson": ("zi", 0.6),
    "hurdle_gamma": ("hu", -0.6),
    "skew_normal": ("sigma", 0.3),
}

cases = pytest.mark.parametrize(
    "name", [pytest.param(n, marks=() if n in EVERY_RUN else pytest.mark.nightly) for n in NAMES]
)


@dataclass(frozen=True)
class Made:
    """A family's fit and the parameters that its data were made with."""

    fit: hm.Fit
    truth: dict[str, float]


@cache
def made(name: str) -> Made:
    """Fitted once per family."""
    family = TESTED[name]
    table, truth = simulated(family)
    left = "y | trials(n)" if family.outcome is OutcomeKind.SUCCESSES else "y"
    dpars = {MODELLED[name][0]: "~ x"} if name in MODELLED else {}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", hm.SamplingWarning)
        fit = hm.fit(hm.bf(f"{left} ~ x + (1 | g)", **dpars), table, family=family, **SETTINGS)
    return Made(fit, truth)


def simulated(family: Family) -> tuple[pd.DataFrame, dict[str, float]]:
    """A table of 400 rows in 40 groups and its parameters by draws' names."""
    rng = np.random.default_rng(11)
    g = np.repeat(np.arange(N_GROUPS), N_EACH)
    x = rng.normal(size=len(g))
    level = LEVEL_SD * rng.normal(size=N_GROUPS)
    truth = {"b_Intercept": LEVEL, "b_x": SLOPE, "sd_g__Intercept": LEVEL_SD}
    with jax.enable_x64(True):
        thetas = {"mu": LINKS[family.link("mu")].theta(LEVEL + SLOPE * x + level[g])}
        for p in family.parameters[1:]:
            modelled, slope = MODELLED.get(family.name, ("", 0.0))
            link = LINKS[p.support.link]
            thetas[p.name] = link.theta(CONSTANT + slope * (p.name == modelled) * x)
            if p.name == modelled:
                truth |= {f"b_{p.name}_Intercept": CONSTANT, f"b_{p.name}_x": slope}
            else:
                truth[p.name] = float(link.inverse(np.asarray(CONSTANT)))
        extra = {"trials": np.full(len(g), float(TRIALS))}
        y = law_of(family).simulate(jax.random.key(5), thetas, extra, x.shape)
    return pd.DataFrame({"y": np.asarray(y), "x": x, "g": g, "n": TRIALS}), truth


@cases
def test_parameters_are_recovered(name):
    fit, truth = made(name).fit, made(name).truth
    assert set(truth) == set(fit.posterior.data_vars)
    for parameter, value in truth.items():
        draws = fit.posterior[parameter].values
        assert abs(draws.mean() - value) < LARGEST * draws.std(), parameter
    assert fit.sample_stats["diverging"].mean() < 0.02


@cases
def test_expected_and_new_outcomes(name):
    fit = made(name).fit
    y = fit.design.outcomes[0].values
    expected, new = fit.epred(ndraws=100), fit.predict(ndraws=100)
    assert expected.shape == new.shape == (100, len(y))
    spread = new.std("row").values
    assert np.median(np.abs(new.mean("row").values - y.mean()) / (y.std() / np.sqrt(len(y)))) < 3
    assert 0.6 < np.median(spread) / y.std() < 1.6
    by_row = (fit.predict() - fit.epred()).mean(("chain", "draw"))
    assert abs(float(by_row.mean())) < 0.05 * y.std()


@cases
def test_new_data_and_new_levels(name):
    fit = made(name).fit
    table = fit.design.table
    known, fresh = table.iloc[[7, 3]], table.iloc[[7, 3]].assign(g="new")
    xr.testing.assert_allclose(
        fit.epred(known).drop_vars("row", errors="ignore"),
        fit.epred().isel(row=[7, 3]).drop_vars("row", errors="ignore"),
    )
    new = fit.predict(fresh, allow_new_levels=True)
    assert np.isfinite(new).all() and new.sizes["row"] == 2


@cases
def test_saved_and_loaded(name, tmp_path):
    fit = made(name).fit
    fit.save(tmp_path / "fit.nc")
    back = hm.load_fit(tmp_path / "fit.nc")
    assert back.spec == fit.spec
    assert str(back) == str(fit)
    xr.testing.assert_equal(back.posterior, fit.posterior)
    xr.testing.assert_allclose(back.epred(ndraws=5), fit.epred(ndraws=5))
    xr.testing.assert_equal(back.predict(ndraws=5), fit.predict(ndraws=5))
    xr.testing.assert_allclose(back.log_lik(), fit.log_lik(), rtol=1e-6)
