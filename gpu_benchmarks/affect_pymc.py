"""Models 1 to 5 of the affect data by hand in PyMC, as well as we know how to write them.

Hierarchically centred: each person's coefficients are drawn around a group mean, and whatever does not vary
within a person (the person's mean steps, its product with the slope of daily steps) enters that group mean
rather than the rows. With some 70 rows a person this mixes far better than the non-centred form; the
covariates in the group mean alone are worth a factor of four on model 5. Rows are written as PyTensor fuses
them best (:func:`of_rows`, :func:`two_outcomes`). Priors are those of
:mod:`gpu_benchmarks.affect_models`, where the prior of an intercept is for centred columns.
"""

from __future__ import annotations

import numpy as np
import pandas as pd
import pymc as pm
import pytensor.tensor as pt

from gpu_benchmarks.affect_data import COLUMNS, Columns, arrays, good_start, matrix

EXPONENTIAL = pm.Exponential.dist(1)
HALF_T = pm.HalfStudentT.dist(nu=3, sigma=2.5)


def m1(data):
    """NA.std ~ 1 + NA_lag + PA_lag + (1 + NA_lag + PA_lag | id)."""
    intercept = pm.Normal("Intercept", 0, 0.2)
    b = pm.Normal("b", 0, 1, shape=2)
    sigma = pm.Exponential("sigma", 1)
    center = pt.stack([intercept - data["x_means"] @ b, b[0], b[1]])
    person = people_around(center, 3, EXPONENTIAL, data)
    pm.Normal("y", of_rows(person, 0, data["Z"], data), sigma, observed=data["y"])


def m2(data):
    """bf(NA.std ~ 1 + (1 | c | id)) + bf(PA.std ~ 1 + (1 | c | id)) + set_rescor(TRUE)."""
    intercept = pm.Normal("Intercept", 0, 0.2, shape=2)
    mean = people_around(intercept, 2, HALF_T, data)
    two_outcomes(*(of_rows(mean, first, data["Z"], data) for first in (0, 1)), data)


def m3(data):
    """Both outcomes ~ 1 + NA_lag + PA_lag + (1 + NA_lag + PA_lag | c | id), set_rescor(TRUE)."""
    intercept = pm.Normal("Intercept", 0, 0.2, shape=2)
    b = pm.Normal("b", 0, 1, shape=(2, 2))
    at_zero = intercept - data["x_means"] @ b
    center = pt.concatenate([at_zero[:1], b[:, 0], at_zero[1:], b[:, 1]])
    person = people_around(center, 6, HALF_T, data)
    two_outcomes(*(of_rows(person, first, data["Z"], data) for first in (0, 3)), data)


def m4(data):
    """bf(PA.std ~ 1 + (1 | c | id), sigma ~ 1 + (1 | c | id))."""
    intercept = pm.Normal("Intercept", 0, 0.2)
    sigma_intercept = pm.Normal("sigma_Intercept", 0, 1)
    person = people_around(pt.stack([intercept, sigma_intercept]), 2, EXPONENTIAL, data)
    mu, sigma = person[:, 0], pt.exp(person[:, 1])
    pm.Normal("y", mu[data["person"]], sigma[data["person"]], observed=data["y"])


def m5(data):
    """bf(PA.std ~ 1 + day + PA_lag + NA_lag + steps.pm*steps.pmd + (1 + day + steps.pmd | c | id),
    sigma ~ 1 + PA_lag + NA_lag + steps.pm*steps.pmd + (1 + steps.pmd | c | id))."""
    intercept = pm.Normal("Intercept", 0, 0.2)
    b = pm.Normal("b", 0, 1, shape=6)
    sigma_intercept = pm.Normal("sigma_Intercept", 0, 1)
    sigma_b = pm.Flat("sigma_b", shape=5)
    day, pa_lag, na_lag, pm_, pmd, pm_pmd = (b[k] for k in range(6))
    s_pa_lag, s_na_lag, s_pm, s_pmd, s_pm_pmd = (sigma_b[k] for k in range(5))
    steps, none = data["steps"], pt.zeros(len(data["steps"]))
    center = pt.stack(
        [
            intercept - data["x_means"] @ b + pm_ * steps,
            day + none,
            pmd + pm_pmd * steps,
            sigma_intercept - data["w_means"] @ sigma_b + s_pm * steps,
            s_pmd + s_pm_pmd * steps,
        ],
        axis=-1,
    )
    person = people_around(center, 5, EXPONENTIAL, data)
    lags = data["pa_lag"], data["na_lag"]
    mu = pa_lag * lags[0] + na_lag * lags[1] + of_rows(person, 0, data["Z"], data)
    log_sigma = s_pa_lag * lags[0] + s_na_lag * lags[1] + of_rows(person, 3, data["V"], data)
    pm.Normal("y", mu, pt.exp(log_sigma), observed=data["y"])


def people_around(center, size, sd_prior, data):
    """(n_people, size) coefficients of people, correlated, centred at the group mean."""
    factor, cor, sd = pm.LKJCholeskyCov("L", n=size, eta=2, sd_dist=sd_prior, store_in_trace=False)
    pm.Deterministic("cor", cor)
    pm.Deterministic("sd", sd)
    return pm.MvNormal("person", center, chol=factor, shape=(len(data["steps"]), size))


def of_rows(person, first, Z, data):
    """(N,) what people's coefficients from ``first`` on make of the columns of Z, the first of which is 1.

    Column by column: a gradient with sums over the last axis of ``Z * u[index]`` takes half as long again, on
    model 5 twice.
    """
    index = data["person"]
    total = person[:, first][index]
    for q in range(1, Z.shape[1]):
        total = total + Z[:, q] * person[:, first + q][index]
    return total


def two_outcomes(first, second, data):
    """Rows of two correlated outcomes: the second given the first, twice as quick as ``MvNormal``."""
    factor, y = residual_factor(), data["y"]
    pm.Normal("y_first", first, factor[0, 0], observed=y[:, 0])
    given = factor[1, 0] / factor[0, 0] * (y[:, 0] - first)
    pm.Normal("y_second", second + given, factor[1, 1], observed=y[:, 1])


def residual_factor():
    """(2, 2) Cholesky factor of the residual covariance of two outcomes."""
    factor, cor, sigma = pm.LKJCholeskyCov("L_rescor", n=2, eta=1, sd_dist=HALF_T, store_in_trace=False)
    pm.Deterministic("rescor", cor)
    pm.Deterministic("sigma", sigma)
    return factor


PROGRAMS = {"m1": m1, "m2": m2, "m3": m3, "m4": m4, "m5": m5}
ESTIMATES = ("Intercept", "b", "sigma", "sigma_Intercept", "sigma_b", "sd", "cor", "rescor")


def make_model(name: str, table: pd.DataFrame) -> pm.Model:
    """The PyMC model ``name`` of the data."""
    with pm.Model() as model:
        PROGRAMS[name](program_data(name, table))
    return model


def program_data(name: str, table: pd.DataFrame) -> dict[str, np.ndarray]:
    """The arrays of the rows, the means that centring takes off, and each person's mean steps."""
    columns = COLUMNS[name]
    return {
        **arrays(columns, table),
        "x_means": matrix(table, columns.mean).mean(0),
        "w_means": matrix(table, columns.scale or ()).mean(0),
        "steps": table.groupby("id")["steps.pm"].first().to_numpy(),
        "pa_lag": table["PA_lag"].to_numpy(),
        "na_lag": table["NA_lag"].to_numpy(),
    }


def initial_points(name: str, table: pd.DataFrame, model: pm.Model, seed: int) -> dict[str, np.ndarray]:
    """Starting values by variable; nutpie wants no gradient to be exactly zero, so people differ."""
    columns = COLUMNS[name]
    data = program_data(name, table)
    start = good_start(columns, data)
    noise = np.random.default_rng(seed).normal(size=(len(data["steps"]), len(columns.terms)))
    values = {
        **start,
        "person": coefficients(columns, data, start) + start["sd"] * noise,
        "L": packed(start["sd"]),
        "L_rescor": packed(np.atleast_1d(start["sigma"])),
    }
    return {variable.name: values[variable.name] for variable in model.free_RVs if variable.name in values}


def coefficients(columns: Columns, data: dict[str, np.ndarray], start: dict[str, np.ndarray]) -> np.ndarray:
    """(Q,) group means of people's coefficients at the start, covariates of persons left out."""
    at_zero = np.atleast_1d(start["Intercept"] - data["x_means"] @ start["b"])
    slopes = start["b"].reshape(len(columns.mean), len(columns.outcomes))
    of_mean = [
        at_zero[m] if term == "Intercept" else slopes[columns.mean.index(term), m]
        for m in range(len(columns.outcomes))
        for term in columns.varying
    ]
    of_scale = [start["sigma_Intercept"] if term == "Intercept" else 0.0 for term in columns.scale_varying]
    return np.array([*of_mean, *of_scale])


def packed(sd: np.ndarray) -> np.ndarray:
    """``diag(sd)`` as PyMC packs a Cholesky factor: its lower triangle, row by row."""
    return np.diag(sd)[np.tril_indices(len(sd))]
