"""glmmTMB's ``cs(x | g)`` and ``hetar1(x | g)``: structures of a block, refused with what is not said."""

import re

import numpy as np
import pandas as pd
import pytest

import hmlm as hm
from hmlm.formula.grammar import parse_formula
from hmlm.types import FormulaError, GroupTerm, PriorError, Structure

DATA = pd.DataFrame(
    {
        "y": np.sin(np.arange(48.0)),
        "x": np.cos(np.arange(48.0)),
        "g": np.arange(48) // 8,
        "f": np.arange(48) % 4,
    }
)
SEX = pd.Series(np.where(DATA.g % 2, "m", "f"), name="sex")
REFUSED = {
    "cs(1 + x | c | g)": "leave the ID out, or write (x | ID | group)",
    'hetar1(1 + x | gr(g, id = "c"))': "leave the ID out",
    "cs(1 + x || g)": "write one bar, or (x || group)",
    "hetar1(1 + x | gr(g, cor = FALSE))": "its terms are correlated",
    "cs(1 + x | gr(g, by = sex))": "gr() with by or cov takes no structure",
    "cs(1 + x | gr(g, cov = A))": "gr() with by or cov takes no structure",
    "cs(1 | g)": "cs(1 | g) has one term, 'Intercept', and a correlation takes two",
    "hetar1(0 + x | g)": "hetar1(0 + x | g) has one term, 'x'",
}


@pytest.mark.parametrize("structure", Structure)
def test_a_structure_of_each_factor(structure):
    _, predictor = parse_formula(f"y ~ x + {structure.value}(0 + factor(f) | a/b)")
    assert predictor.population == "x"
    assert predictor.groups == tuple(
        GroupTerm("0 + factor(f)", columns, structure=structure) for columns in (("a",), ("a", "b"))
    )


@pytest.mark.parametrize("text", REFUSED)
def test_what_it_cannot_say_is_refused(text):
    with pytest.raises(FormulaError, match=re.escape(REFUSED[text])):
        hm.model(
            f"y ~ 1 + {text}", DATA.assign(sex=SEX), data2={"A": pd.DataFrame(np.eye(6), range(6), range(6))}
        )


def test_standard_deviations_take_no_formula():
    formula = hm.bf("y ~ cs(1 + x | g)", sd={"g": "~ sex"})
    with pytest.raises(
        FormulaError, match=r"whose standard deviations take no formula; write \(1 \+ x \| g\)"
    ):
        hm.model(formula, DATA.assign(sex=SEX))


def test_rho_has_its_own_prior():
    with pytest.raises(PriorError, match=r"rho of cs\(\), ar1\(\) and the like is uniform"):
        hm.model("y ~ cs(1 + x | g)", DATA, prior=hm.prior("lkj(2)", class_="cor"))
    both = hm.model("y ~ cs(0 + factor(f) | g) + (1 + x | f)", DATA, prior=hm.prior("lkj(2)", class_="cor"))
    assert [(block.cor, block.structure) for block in both.spec.blocks] == [(None, Structure.CS), (2.0, None)]
    assert "rho_g ~ uniform(-0.333333, 1)" in str(both.explain())
