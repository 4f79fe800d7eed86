"""Fits made of synthetic draws from a fixed seed, shaped like the models of the affect data."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
import xarray as xr

from hmlm.results import Fit, FitInfo, Row

N_CHAINS, N_DRAWS = 4, 250

MELSM_ROWS = (
    Row("sd_id__Intercept", "sd(Intercept)", "group", "id"),
    Row("sd_id__day", "sd(day)", "group", "id"),
    Row("sd_id__sigma_Intercept", "sd(sigma_Intercept)", "group", "id"),
    Row("cor_id__Intercept__day", "cor(Intercept,day)", "group", "id"),
    Row("cor_id__Intercept__sigma_Intercept", "cor(Intercept,sigma_Intercept)", "group", "id"),
    Row("b_Intercept", "Intercept", "population"),
    Row("b_sigma_Intercept", "sigma_Intercept", "population"),
    Row("b_day", "day", "population"),
)
OUTCOMES_ROWS = (
    Row("sd_id__NAstd_Intercept", "sd(NAstd_Intercept)", "group", "id"),
    Row("sd_id__PAstd_NA_lag", "sd(PAstd_NA_lag)", "group", "id"),
    Row("cor_id__NAstd_Intercept__PAstd_NA_lag", "cor(NAstd_Intercept,PAstd_NA_lag)", "group", "id"),
    Row("b_NAstd_Intercept", "NAstd_Intercept", "population"),
    Row("b_PAstd_NA_lag", "PAstd_NA_lag", "population"),
    Row("sigma_NAstd", "sigma_NAstd", "family"),
    Row("sigma_PAstd", "sigma_PAstd", "family"),
    Row("rescor__NAstd__PAstd", "rescor(NAstd,PAstd)", "residual"),
)
NESTED_ROWS = (
    Row("sd_hospital__Intercept", "sd(Intercept)", "group", "hospital"),
    Row("sd_hospital:ward__Intercept", "sd(Intercept)", "group", "hospital:ward"),
    Row("sd_hospital:ward__age", "sd(age)", "group", "hospital:ward"),
    Row("b_Intercept", "Intercept", "population"),
    Row("sigma", "sigma", "family"),
)
MELSM = FitInfo(
    family="gaussian",
    links=("mu = identity; sigma = log",),
    formulas=(("PA.std ~ 1 + day + (1 + day | c | id)", "sigma ~ 1 + (1 | c | id)"),),
    priors=("b ~ normal(0, 1)",),
    data_name="d",
    n_rows=13033,
    n_dropped=120,
    factors=(("id", 193),),
    rows=MELSM_ROWS,
    algorithm="NUTS",
    chains=N_CHAINS,
    warmup=500,
    draws=N_DRAWS,
    seed=14,
    density="location of id integrated out; scale of id sampled in informed coordinates",
    seconds=(("compile", 3.1), ("warmup", 5.0), ("sampling", 4.2)),
    max_tree_depth=10,
    versions=(("hmlm", "0.1.0"),),
)
OUTCOMES = dataclasses.replace(
    MELSM,
    family="MV(gaussian, gaussian)",
    links=("mu = identity; sigma = identity",) * 2,
    formulas=(("NA.std ~ 1 + (1 | c | id)",), ("PA.std ~ 1 + NA_lag + (0 + NA_lag | c | id)",)),
    n_dropped=0,
    rows=OUTCOMES_ROWS,
)
NESTED = dataclasses.replace(
    MELSM,
    links=("mu = identity; sigma = identity",),
    formulas=(("y ~ 1 + (1 | hospital) + (1 + age | hospital:ward)",),),
    n_dropped=0,
    factors=(("hospital", 2), ("hospital:ward", 3)),
    rows=NESTED_ROWS,
)


@dataclasses.dataclass
class Counted:
    """An ``effects_fn`` that counts its calls."""

    effects: dict[str, xr.DataArray]
    calls: int = 0

    def __call__(self) -> dict[str, xr.DataArray]:
        self.calls += 1
        return self.effects


def effect(rng: np.random.Generator, shape: tuple[int, int], factor: str, levels, terms) -> xr.DataArray:
    values = rng.normal(size=(*shape, len(levels), len(terms)))
    coords = {**_index(shape), factor: list(levels), "term": list(terms)}
    return xr.DataArray(values, coords, ("chain", "draw", factor, "term"))


def build(info: FitInfo, effects=None, seed: int = 1) -> Fit:
    rng = np.random.default_rng(seed)
    shape = (info.chains, info.draws)
    draws = {
        row.variable: (("chain", "draw"), 0.3 * (i % 4) - 0.2 + 0.1 * rng.normal(size=shape))
        for i, row in enumerate(info.rows)
    }
    return Fit(
        info=info,
        posterior=xr.Dataset(draws, _index(shape)),
        sample_stats=_sample_stats(rng, shape),
        effects_fn=Counted(effects or {}),
        observed=xr.Dataset({"PAstd": ("obs", rng.normal(size=5))}),
    )


def _sample_stats(rng: np.random.Generator, shape: tuple[int, int]) -> xr.Dataset:
    stats = {
        "diverging": np.zeros(shape, bool),
        "tree_depth": np.full(shape, 4),
        "n_steps": np.full(shape, 15),
        "acceptance_rate": rng.uniform(0.7, 1, shape),
    }
    return xr.Dataset({name: (("chain", "draw"), value) for name, value in stats.items()}, _index(shape))


def _index(shape: tuple[int, int]) -> dict[str, np.ndarray]:
    return {"chain": np.arange(shape[0]), "draw": np.arange(shape[1])}


def with_draws(fit: Fit, **values: np.ndarray) -> Fit:
    """The fit with other draws of some variables."""
    changed = {name: (("chain", "draw"), value) for name, value in values.items()}
    return dataclasses.replace(fit, posterior=fit.posterior.assign(changed))


def with_stats(fit: Fit, **values: np.ndarray) -> Fit:
    """The fit with other sampler statistics."""
    changed = {name: (("chain", "draw"), value) for name, value in values.items()}
    return dataclasses.replace(fit, sample_stats=fit.sample_stats.assign(changed))


@pytest.fixture
def melsm() -> Fit:
    rng, shape, levels = np.random.default_rng(2), (N_CHAINS, N_DRAWS), ("1", "2", "3")
    effects = {
        "r_id": effect(rng, shape, "id", levels, ("Intercept", "day")),
        "r_id__sigma": effect(rng, shape, "id", levels, ("Intercept",)),
    }
    return build(MELSM, effects)


@pytest.fixture
def outcomes() -> Fit:
    return build(OUTCOMES)


@pytest.fixture
def nested() -> Fit:
    rng, shape = np.random.default_rng(3), (N_CHAINS, N_DRAWS)
    wards = ("1_1", "1_2", "2_1")
    effects = {
        "r_hospital": effect(rng, shape, "hospital", ("1", "2"), ("Intercept",)),
        "r_hospital:ward": effect(rng, shape, "hospital:ward", wards, ("Intercept", "age")),
    }
    return build(NESTED, effects)


@pytest.fixture
def single_chain() -> Fit:
    return build(dataclasses.replace(MELSM, chains=1, draws=2000))


@pytest.fixture
def change_draws():
    return with_draws


@pytest.fixture
def change_stats():
    return with_stats
