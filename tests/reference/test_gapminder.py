"""Life expectancy of 142 countries: varying slopes against one slope, with Edwards's priors and numbers.

His variables are the standardised life expectancy and the survey's number, one in five years, from 1952: with
these the printed standard deviations of countries come out.
"""

from __future__ import annotations

from functools import cache

import numpy as np
import pandas as pd
import pytest

import hmlm as hm

from .agreement import assert_agrees, assert_converged, differences, needs_data, of_fit

pytestmark = [pytest.mark.data, needs_data]
SLOPES = "L_c ~ 0 + year_c + (1 + year_c | country)"
ONE_SLOPE = "L_c ~ 1 + year_c + (1 | country)"
PRIORS = """c(prior(normal(0, 2), class = b), prior(exponential(1), class = sd),
              prior(exponential(1), class = sigma){})"""

# precis(m_gm1, pars = "sigma_country"): mean, sd, 5.5% and 94.5% quantiles, effective draws
PRINTED = {
    "sd(Intercept)": (1.18160832, 0.070861593, 1.0708565, 1.29840568, 4547.179),
    "sd(year_c)": (0.06481852, 0.004645245, 0.0578517, 0.07257805, 2791.211),
}


def surveys() -> pd.DataFrame:
    d = hm.load_dataset("gapminder")
    life = d["lifeExp"]
    return d.assign(L_c=(life - life.mean()) / life.std(), year_c=(d["year"] - 1952) / 5)


@cache
def fitted(formula: str) -> hm.Fit:
    """``ulam``'s models: the mean of countries' intercepts is 0 in the first, as written there."""
    priors = PRIORS.format(", prior(lkj(1), class = cor)" if formula == SLOPES else "")
    bf = hm.bf(formula, center=False)
    return hm.fit(bf, surveys(), prior=priors, chains=4, warmup=500, draws=1000, seed=4)


def test_sd_of_countries_as_printed():
    fit = fitted(SLOPES)
    assert_converged(fit)
    rows = {name: (mean, sd, sd / np.sqrt(ess)) for name, (mean, sd, _, _, ess) in PRINTED.items()}
    published = pd.DataFrame.from_dict(rows, orient="index", columns=["mean", "sd", "mcse"])
    assert_agrees(differences(of_fit(fit), published))
    table = fit.summary(prob=0.89)
    for name, (_, sd, low, high, _) in PRINTED.items():
        np.testing.assert_allclose(table.loc[name].iloc[2:4].astype(float), [low, high], atol=0.2 * sd)


@pytest.mark.nightly
@pytest.mark.filterwarnings("ignore::hmlm.types.ComparisonWarning")
def test_countries_need_slopes_of_their_own():
    """``year_c`` of the second model has no slope by country: its lines miss what the first one follows."""
    fits = {"slopes": fitted(SLOPES), "one slope": fitted(ONE_SLOPE)}
    assert_converged(fits["one slope"])
    found = hm.compare(fits).table
    assert list(found.index) == ["slopes", "one slope"]
    assert found.loc["one slope", "elpd_diff"] < -10 * found.loc["one slope", "se_diff"]


@pytest.mark.parametrize("formula", [SLOPES, pytest.param(ONE_SLOPE, marks=pytest.mark.nightly)])
def test_lines_of_countries(formula):
    lines = fitted(formula).plot.spaghetti("year_c").axes[0].lines[:-1]
    slopes = np.array([(line.get_ydata()[-1] - line.get_ydata()[0]) / 11 for line in lines])
    assert len(slopes) == 142
    assert (np.ptp(slopes) < 1e-9) == (formula == ONE_SLOPE)
    if formula == SLOPES:
        d = surveys()
        alone = [np.polyfit(c["year_c"], c["L_c"], 1)[0] for _, c in d.groupby("country", sort=False)]
        assert np.corrcoef(slopes, alone)[0, 1] > 0.98 and slopes.std() < np.std(alone)
