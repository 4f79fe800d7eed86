"""Every row of the cheat sheets: formula -> group-level blocks and population-level columns.

``SUMMARY`` is section 20.9 of seed 002, ``EQUATIONS`` the table of equations after it, ``FLASHCARDS`` the
formulas of seed 001's cards from lm to lmer, ``WALK`` those of seed 002's text with other columns' names.
"""

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose

from hmlm.formula.bf import as_model_formula
from hmlm.formula.design import build_design

ONE, SITES = ("Intercept",), ("siteS2", "siteS3")
SITE, BLOCK = ("site", ONE), ("site:block", ONE)

# right-hand side -> (population-level names, blocks: factor and coefficients, all correlated without a label)
SUMMARY = {
    "(1|group)": ((), [("group", ONE)]),
    "(x|group)": ((), [("group", ("Intercept", "x"))]),
    "(1+x|group)": ((), [("group", ("Intercept", "x"))]),
    "(0+x|group)": ((), [("group", ("x",))]),
    "(-1+x|group)": ((), [("group", ("x",))]),
    "(1|group) + (0+x|group)": ((), [("group", ONE), ("group", ("x",))]),
    "(1|site/block)": ((), [SITE, BLOCK]),
    "(1|site)+(1|site:block)": ((), [SITE, BLOCK]),
    "site+(1|site:block)": (SITES, [BLOCK]),
    "(x|site/block)": ((), [("site", ("Intercept", "x")), ("site:block", ("Intercept", "x"))]),
    "(x|site)+(x|site:block)": ((), [("site", ("Intercept", "x")), ("site:block", ("Intercept", "x"))]),
    "(1 + x|site)+(1+x|site:block)": (
        (),
        [("site", ("Intercept", "x")), ("site:block", ("Intercept", "x"))],
    ),
    "(x1|site)+(x2|block)": ((), [("site", ("Intercept", "x1")), ("block", ("Intercept", "x2"))]),
    "x*site+(x|site:block)": (
        ("x", *SITES, "x:siteS2", "x:siteS3"),
        [("site:block", ("Intercept", "x"))],
    ),
    "(1|group1)+(1|group2)": ((), [("group1", ONE), ("group2", ONE)]),
}
BOTH = ("Intercept", "X")
EQUATIONS = {
    "X": (("X",), []),
    "X + (1∣Subject)": (("X",), [("Subject", ONE)]),
    "X + (1 + X∣Subject)": (("X",), [("Subject", BOTH)]),
    "X + (1 + X∣Subject) + (1∣Item)": (("X",), [("Subject", BOTH), ("Item", ONE)]),
    "X + (1∣Subject) + (0 + X∣ Subject) + (1∣Item)": (
        ("X",),
        [("Subject", ONE), ("Subject", ("X",)), ("Item", ONE)],
    ),
    "X + (1∣Subject) + (1∣Item)": (("X",), [("Subject", ONE), ("Item", ONE)]),
    "X + (0 + X∣Subject) + (1∣Item)": (("X",), [("Subject", ("X",)), ("Item", ONE)]),
}
FLASHCARDS = {
    "x": (("x",), []),
    "1 + x": (("x",), []),
    "0 + x": (("x",), []),
    "group + x": (("groupb", "groupc", "x"), []),
    "x*group": (("x", "groupb", "groupc", "x:groupb", "x:groupc"), []),
    "x + (1 | group)": (("x",), [("group", ONE)]),
    "x + (1 + x | group)": (("x",), [("group", ("Intercept", "x"))]),
    "x + (x | group)": (("x",), [("group", ("Intercept", "x"))]),
    "1 + x1 + x2 + (1 + x1 | group)": (("x1", "x2"), [("group", ("Intercept", "x1"))]),
    "1 + (1 + x1 | group)": ((), [("group", ("Intercept", "x1"))]),
    "(1 | site) + (1 | block:site)": ((), [SITE, ("block:site", ONE)]),
    "(1 | site) + (1 | site:block)": ((), [SITE, BLOCK]),
    "(1 | Subject) + (1 | Item)": ((), [("Subject", ONE), ("Item", ONE)]),
}
WALK = {
    "x + site + (1 | group1) + (1 | group2)": (("x", *SITES), [("group1", ONE), ("group2", ONE)]),
    "x + (1 | site) + (1 | site:block)": (("x",), [SITE, BLOCK]),
    "x + (0 + site | group)": (("x",), [("group", ("siteS1", *SITES))]),
}
ROWS = [*SUMMARY.items(), *EQUATIONS.items(), *FLASHCARDS.items(), *WALK.items()]


@pytest.fixture(scope="module")
def crossed() -> pd.DataFrame:
    """54 rows, one of each combination of site, block and subject."""
    rng = np.random.default_rng(20)
    grid = pd.MultiIndex.from_product([["S1", "S2", "S3"], [1, 2, 3], range(6)]).to_frame(index=False)
    grid.columns = ["site", "block", "Subject"]
    numbers = {name: rng.normal(size=len(grid)) for name in ("y", "x", "x1", "x2", "X")}
    groups = {"group": np.tile(list("abc"), 18), "Item": np.arange(54) % 4}
    return grid.assign(**numbers, **groups, group1=grid["block"], group2=grid["Subject"])


@pytest.mark.parametrize(("right", "expected"), ROWS, ids=[right for right, _ in ROWS])
def test_blocks_and_columns(right, expected, crossed):
    names, blocks = expected
    design = build_design(as_model_formula(f"y ~ {right.replace('∣', '|')}"), crossed)
    (predictor,) = design.predictors
    assert predictor.population.names == names
    assert predictor.population.intercept == (not right.startswith("0"))
    assert [(g.term.factor, g.names) for g in predictor.groups] == blocks
    assert all(g.term.correlated and g.term.label is None for g in predictor.groups)
    assert [f.name for f in design.factors] == list(dict.fromkeys(factor for factor, _ in blocks))


@pytest.mark.parametrize(("right", "expected"), ROWS, ids=[right for right, _ in ROWS])
def test_values_of_the_varying_columns(right, expected, crossed):
    design = build_design(as_model_formula(f"y ~ {right.replace('∣', '|')}"), crossed)
    for group in design.predictors[0].groups:
        for name, column in zip(group.names, group.matrix.T, strict=True):
            assert_allclose(column, _column(name, crossed))


def _column(name: str, table: pd.DataFrame) -> np.ndarray:
    if name == "Intercept":
        return np.ones(len(table))
    if name.startswith("site"):
        return (table["site"] == name.removeprefix("site")).to_numpy(float)
    return table[name].to_numpy()


def test_number_of_levels(crossed):
    design = build_design(as_model_formula("y ~ (1 | site/block) + (1 | block) + (1 | Item)"), crossed)
    assert {f.name: len(f.levels) for f in design.factors} == {
        "site": 3,
        "site:block": 9,
        "block": 3,
        "Item": 4,
    }


SAME = {
    "us(1 + x | group)": "(1 + x | group)",
    "us(1 | c | group)": "(1 | c | group)",
    "diag(1 + x | group)": "(1 + x || group)",
    "diag(0 + site | group)": "(0 + site || group)",
    "(1 | gr(group))": "(1 | group)",
    "(x || gr(site):block)": "(x || site:block)",
}


@pytest.mark.parametrize("structure", SAME)
def test_structures_that_are_other_bars(structure):
    found = as_model_formula(f"y ~ x + {structure}").outcomes[0].mu
    assert found.groups == as_model_formula(f"y ~ x + {SAME[structure]}").outcomes[0].mu.groups
    assert found.population == "x"
    assert found.text == f"x + {structure}"
