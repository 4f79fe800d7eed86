"""What brms, lme4 and glmmTMB have and hmlm has not is named, with the nearest form that there is."""

import re

import pytest

from hmlm.formula.additions import SIGNATURES
from hmlm.formula.advice import ADDITIONS, ARGUMENTS, CALLS, GROUPS, PREDICTORS, refusal
from hmlm.formula.bf import as_model_formula
from hmlm.formula.functions import ALLOWED
from hmlm.formula.parser import parse
from hmlm.types import FormulaError

SAID = {
    "y ~ z:s(x)": "y ~ s(x) + z",
    "y ~ t2(x, z)": "ns(x, df = 3):ns(z, df = 3)",
    "y ~ gp(x)": "ns(x, df = 4)",
    "y ~ z:mo(x)": "y ~ mo(x) + z",
    "y ~ cs(x)": "write the term itself",
    "y ~ me(x, sdx)": "write the column itself",
    "y ~ mi(x)": "incomplete rows are left out",
    "y ~ mmc(x1, x2)": "write the column itself",
    "y ~ x + ma(p = 1)": "write ar(time = t, gr = id)",
    "y ~ x + arma(time, id)": "write ar(time = t, gr = id)",
    "y ~ x + log(cosy(gr = id))": "y ~ x + cosy(gr = id)",
    "y ~ x + log(unstr(time, gr = id))": "y ~ x + unstr(time, gr = id)",
    "y ~ x + car(W)": "write (1 | region)",
    "y ~ x + sar(W)": "write (1 | region)",
    "y ~ x + fcor(V)": "write (1 | group)",
    "y ~ x + (1 | gr(id, dist = student))": "gr(group) alone is (1 | group)",
    "y ~ x + propto(1 | id, A)": "(1 | gr(group, cov = A))",
    "y ~ x + (1 | mm(a, b, by = cbind(v, w)))": "mm(a, b, weights = cbind(v, w), scale = TRUE) is",
    "y ~ x + ou(0 + t | id)": "(x | group) estimates all correlations",
    "y ~ x + rr(0 + t | id, d = 2)": "reduced-rank",
    "y ~ x + toep(0 + t | id)": "Toeplitz",
    "y ~ x + diagonal(0 + t | id)": "no covariance structure: write (x | group)",
    "y ~ x + Error(id)": "write (1 | id)",
    "y | cat(3) ~ x": "the categories are those of the column",
    "y | dec(d) ~ x": "no family here takes it",
    "mvbind(y1, y2) ~ x": "bf(y1 ~ x) + bf(y2 ~ x)",
    "bf(y ~ x) + lf(sigma ~ x)": "bf(y ~ x, sigma ~ x)",
    "bf(y ~ x) + nlf(b ~ x)": "coefficients enter linearly",
    "bf(y ~ x, nl = TRUE)": "coefficients enter linearly",
    "bf(y ~ x, family = poisson())": "hm.fit(formula, data, family=…)",
    "lmer(y ~ x + (1 | g), data = d)": 'hm.fit("y ~ x + (1 | group)", data)',
}


@pytest.mark.parametrize("text", SAID)
def test_the_nearest_form_is_named(text):
    with pytest.raises(FormulaError, match=re.escape(SAID[text])):
        as_model_formula(text)


@pytest.mark.parametrize("name", [*PREDICTORS, *ADDITIONS, *CALLS, *GROUPS])
def test_nothing_that_is_available_is_refused(name):
    assert name not in (*SIGNATURES, "bf", "set_rescor", "us", "diag", "offset")
    assert name in GROUPS or name not in ALLOWED


@pytest.mark.parametrize("name", PREDICTORS)
def test_formulas_in_the_advice_can_be_read(name):
    """Every call and group-level term that is recommended is one that can be written."""
    said = str(refusal(name, PREDICTORS)).split(": ", 1)[1]
    for term in re.findall(r"(?:ns|bs|factor|sin|cos)\((?:[^()]|\([^()]*\))*\)|\([^()]* \| \w+\)", said):
        parse(term)
        as_model_formula(f"y ~ x + {term}")


def test_arguments_of_bf():
    for name in ARGUMENTS:
        with pytest.raises(FormulaError, match=f"`{name}`, .*, is not available"):
            as_model_formula(f"bf(y ~ x, {name} = TRUE)")
