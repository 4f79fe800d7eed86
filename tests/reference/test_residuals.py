"""Grade points with residuals that are not independent and alike: nlme's ``varIdent`` and ``corAR1``.

What is published are REML estimates, so medians are compared with them.
"""

from __future__ import annotations

import json
from functools import cache

import numpy as np
import pandas as pd
import pytest

import hmlm as hm
from hmlm.results.fit import Fit

from .agreement import assert_converged, needs_data, reference

pytestmark = [pytest.mark.data, needs_data]
HETEROGENEOUS = "gpa ~ occasion + (1 | student), sd differing by occasion (varIdent)"
SMALL = 0.0005  # half of the third decimal, to which estimates are printed
OF_ERROR = 0.15  # of a fixed effect's standard error
OF_SD = 0.10


def published(name: str) -> dict:
    return json.loads(reference("lme4.json").read_text())["gpa"][name]


def fitted(formula) -> Fit:
    return hm.fit(formula, hm.load_dataset("gpa"), chains=4, warmup=500, draws=1000, seed=2)


@cache
def heterogeneous() -> Fit:
    return fitted(hm.bf("gpa ~ occasion + (1 | student)", sigma="~ 0 + occas"))


def assert_fixed_effects(fit: Fit, found: dict) -> None:
    ours = fit.fixef().loc[list(found["fixef"])]
    wanted, errors = pd.Series(found["fixef"]), pd.Series(found["se"])
    assert (abs(ours["Estimate"] - wanted) < OF_ERROR * errors + SMALL).all(), ours.assign(lme4=wanted)
    assert (abs(ours["Est.Error"] - errors) < OF_ERROR * errors + SMALL).all(), ours.assign(lme4=errors)


def test_variances_that_differ_by_occasion():
    fit, found = heterogeneous(), published(HETEROGENEOUS)
    assert_converged(fit)
    assert_fixed_effects(fit, found)
    sd = found["sd"]["student:Intercept"]
    assert abs(float(fit["sd_student__Intercept"].median()) - sd) < OF_SD * sd
    wanted = np.sqrt(found["residual_variance_by_occasion"])
    table = fit.residual_sd()
    np.testing.assert_allclose(table["Estimate"], wanted, rtol=OF_SD)
    np.testing.assert_allclose(table["relative"], wanted / wanted[0], rtol=OF_SD)
    np.testing.assert_allclose(np.sqrt(table["variance"]), wanted, rtol=OF_SD)
    residual = fit.var_corr().sd.query("group == 'Residual'")
    assert list(residual["term"]) == sorted(hm.load_dataset("gpa")["occas"].unique())
    np.testing.assert_allclose(residual["Estimate"], table["Estimate"])


AUTOREGRESSIVE = "gpa ~ occasion + (1 | student), AR(1) residuals"


@cache
def autoregressive() -> Fit:
    return fitted("gpa ~ occasion + (1 | student) + ar(time = occas, gr = student, p = 1, cov = TRUE)")


def test_autoregressive_residuals():
    """nlme's sigma is that of the residuals, ours that of what is new in each: sigma / sqrt(1 - ar²)."""
    fit, found = autoregressive(), published(AUTOREGRESSIVE)
    assert_converged(fit)
    assert_fixed_effects(fit, found)
    sd, rho = found["sd"]["student:Intercept"], fit["ar[1]"]
    assert abs(float(fit["sd_student__Intercept"].median()) - sd) < OF_SD * sd
    total = float((fit["sigma"] / np.sqrt(1 - rho**2)).median())
    assert abs(total - found["sigma"]) < OF_SD * found["sigma"]
    assert abs(float(rho.median()) - found["phi"]) < 0.5 * float(rho.std())
    assert "Correlation Structures:" in repr(fit)
