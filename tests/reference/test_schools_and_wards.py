"""Crossed schools and nested wards: what *Mixed Models with R* prints and draws of them, and its formulas."""

from __future__ import annotations

import json
from functools import cache

import numpy as np
import pandas as pd
import pytest

import hmlm as hm

from .agreement import assert_converged, needs_data, of_fit, reference

pytestmark = [pytest.mark.data, needs_data]
CROSSED = "achievement ~ sex + ses + (1 | primary_school_id) + (1 | secondary_school_id)"
STAFF = "stress ~ age + sex + experience + treatment + wardtype + hospsize + (1 | hospital) + "
WARDS = ["(1 | hospital:ward)", "(1 | hospital:wardid)", "(1 | wardid)"]
POSTERIOR_SDS = 0.5  # as for grade points: variances have skewed posteriors, REML takes their modes
SHRUNK = 0.15  # of a posterior sd: coefficients given variances that are averaged over
SMALL = 6e-4


@cache
def sampled(data: str) -> hm.Fit:
    formula = CROSSED if data == "pupils" else STAFF + WARDS[0]
    return hm.fit(formula, hm.load_dataset(data), chains=4, warmup=500, draws=1000, seed=2)


def printed(data: str) -> dict:
    return next(
        found for key, found in json.loads(reference("lme4.json").read_text())[data].items() if "|" in key
    )


@pytest.mark.nightly
@pytest.mark.parametrize("data", ["pupils", "nurses"])
def test_posterior_near_what_is_printed(data):
    fit, found = sampled(data), printed(data)
    assert_converged(fit)
    ours = of_fit(fit)
    fixed = pd.Series({name.replace(" ", ""): value for name, value in found["fixef"].items()})
    rows = ours.loc[fixed.index]
    near = 3 * rows["mcse"] + SMALL + SHRUNK * rows["sd"]
    assert (abs(rows["mean"] - fixed) < near).all(), rows.assign(lme4=fixed).to_string()
    table = fit.summary(variable=True).set_index("variable")
    for key, value in [*found["sd"].items(), ("sigma", found["sigma"])]:
        factor, _, term = key.rpartition(":")
        row = table.loc[f"sd_{factor}__{term}" if factor else key]
        assert abs(row["Estimate"] - value) < POSTERIOR_SDS * row["Est.Error"], key


@pytest.mark.nightly
@pytest.mark.parametrize("data", ["pupils", "nurses"])
def test_caterpillars_of_both_factors(data):
    axes = sampled(data).plot.caterpillar().axes
    assert len(axes) == 2
    sizes = [len(table) for table in sampled(data).ranef().values()]
    assert [len(ax.collections[0].get_segments()) for ax in axes] == sizes


def test_three_ways_to_nest_wards_are_one_model():
    fits = [hm.fit(STAFF + wards, hm.load_dataset("nurses"), algorithm="reml") for wards in WARDS]
    for other in fits[1:]:
        assert other.loglik == pytest.approx(fits[0].loglik, abs=1e-7)
        np.testing.assert_allclose(other.fixef()["Estimate"], fits[0].fixef()["Estimate"], rtol=1e-6)
        np.testing.assert_allclose(other.var_corr()["sdcor"], fits[0].var_corr()["sdcor"], rtol=1e-5)
    variances = fits[0].var_corr()["vcov"]
    np.testing.assert_allclose(variances / variances.sum(), [0.177, 0.500, 0.323], atol=SMALL)


# --- its table of formulas ---------------------------------------------------------------------------

FORMULAS = {
    "(1|group)": {"group": ["Intercept"]},
    "(x|group)": {"group": ["Intercept", "x"]},
    "(0+x|group)": {"group": ["x"]},
    "(1|group) + (0+x|group)": {"group": ["Intercept", "x"]},
    "(1|site/block)": {"site": ["Intercept"], "site:block": ["Intercept"]},
    "site + (1|site:block)": {"site:block": ["Intercept"]},
    "(x|site/block)": {"site": ["Intercept", "x"], "site:block": ["Intercept", "x"]},
    "(x1|site) + (x2|block)": {"site": ["Intercept", "x1"], "block": ["Intercept", "x2"]},
    "x*site + (x|site:block)": {"site:block": ["Intercept", "x"]},
    "(1|group) + (1|block)": {"group": ["Intercept"], "block": ["Intercept"]},
    "x + (1 + x|group) + (1|block)": {"group": ["Intercept", "x"], "block": ["Intercept"]},
    "x + (1|group) + (0 + x|group) + (1|block)": {"group": ["Intercept", "x"], "block": ["Intercept"]},
}
CORRELATED = {"(x|group)", "(x|site/block)", "(x1|site) + (x2|block)", "x*site + (x|site:block)"}


@cache
def plots_in_sites() -> pd.DataFrame:
    rng = np.random.default_rng(1)
    n = 240
    table = pd.DataFrame({name: rng.normal(size=n) for name in ("y", "x", "x1", "x2")})
    site = np.array(["a", "b", "c", "d"])[np.arange(n) % 4]
    return table.assign(site=site, block=np.arange(n) // 4 % 5, group=np.arange(n) // 20)


@pytest.mark.parametrize("terms", FORMULAS)
def test_formulas_of_the_summary(terms):
    model = hm.model(f"y ~ {terms}", plots_in_sites())
    varying: dict[str, list[str]] = {}
    for block in model.spec.blocks:
        names = [block.terms[q].name for q in block.order]
        varying.setdefault(model.spec.factors[block.factor].name, []).extend(names)
    assert varying == FORMULAS[terms]
    correlations = [row.variable for row in summary_of(model) if row.variable.startswith("cor_")]
    assert bool(correlations) == (terms in CORRELATED or "(1 + x|group)" in terms)


def summary_of(model: hm.Model):
    from hmlm.spec.names import summary_rows

    return summary_rows(model.spec)
