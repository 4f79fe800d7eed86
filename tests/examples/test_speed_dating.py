"""The notebook on speed dating, run with few draws: it finds lme4's numbers, and draws its figures."""

from __future__ import annotations

import json
import re

import nbformat
import numpy as np
import pandas as pd
import pytest

from ..reference.agreement import needs_data
from .notebooks import EXAMPLES, code_cells, figures, printed, read, run, with_settings

pytestmark = [pytest.mark.data, needs_data]
NOTEBOOK = EXAMPLES / "speed_dating.ipynb"
FEW = {"CHAINS": 2, "WARMUP": 300, "DRAWS": 1000}
ROW = re.compile(r"\| ([\w()]+) \| (−?[\d.]+) \(([\d.]+)\) \| (−?[\d.]+)(?: \(([\d.]+)\))? \|")

QUESTIONS = """
import json
print(json.dumps({
    "plan": plan,
    "table": table.reset_index(drop=True).assign(label=fit.summary().index).set_index("label").to_dict(),
    "largest_rhat": largest_rhat,
    "divergences": divergences,
    "odds": odds["odds ratio"].to_dict(),
    "share": float(share.mean()),
    "curve": curve["Estimate"].tolist(),
    "both": both.groupby("samerace", observed=True)["Estimate"].mean().to_dict(),
    "average": [average_person.tolist(), somebody.tolist()],
    "people": people["Estimate"].tolist(),
}))
"""


@pytest.fixture(scope="module")
def executed(tmp_path_factory):
    notebook = with_settings(read(NOTEBOOK), FEW)
    notebook.cells.append(nbformat.v4.new_code_cell(QUESTIONS))
    return run(notebook, tmp_path_factory.mktemp("notebook"))


@pytest.fixture(scope="module")
def found(executed):
    return json.loads(printed(executed.cells[-1]))


def printed_table() -> pd.DataFrame:
    """The notebook's own table: ours and lme4's."""
    text = "\n".join(cell.source for cell in read(NOTEBOOK).cells if cell.cell_type == "markdown")
    number = lambda value: float(value.replace("−", "-")) if value else np.nan
    rows = {label: [number(value) for value in values] for label, *values in ROW.findall(text)}
    return pd.DataFrame.from_dict(rows, orient="index", columns=["mean", "sd", "lme4", "se"])


def test_it_is_kept_without_outputs():
    cells = code_cells(read(NOTEBOOK))
    assert [cell.outputs for cell in cells] == [[]] * len(cells)
    assert {cell.execution_count for cell in cells} == {None}


def test_effects_of_people_are_in_informed_coordinates(found):
    lines = [" ".join(line.split()) for line in found["plan"].splitlines()]
    assert any(line.startswith("iid Intercept 498 informed 498") for line in lines)


def test_the_chains_agree(found):
    assert found["largest_rhat"] < 1.02
    assert found["divergences"] == 0


def test_its_table_is_what_comes_out(found):
    """Within four Monte-Carlo standard errors and the rounding of three decimals."""
    ours = pd.DataFrame(found["table"])
    shown = printed_table().reindex(ours.index)
    assert len(printed_table()) == len(ours) and shown["mean"].notna().all()
    error = ours["Est.Error"] / np.sqrt(ours["Bulk_ESS"])
    assert ((ours["Estimate"] - shown["mean"]).abs() < 4 * error + 0.0005).all()
    np.testing.assert_allclose(ours["Est.Error"], shown["sd"], rtol=0.1, atol=0.0005)
    assert ((shown["mean"] - shown["lme4"]).abs() < 0.4 * shown["sd"]).all()


def test_odds_are_those_of_the_table(found):
    ours = pd.DataFrame(found["table"])["Estimate"]
    for name, ratio in found["odds"].items():
        label = "sd(Intercept)" if name == "sd of people" else name
        assert np.log(ratio) == pytest.approx(ours[label], abs=0.02)
    variance = ours["sd(Intercept)"] ** 2
    assert found["share"] == pytest.approx(variance / (variance + np.pi**2 / 3), abs=0.01)


def test_conditional_effects_rise(found):
    assert (np.diff(found["curve"]) > 0).all() and 0 < found["curve"][0] < found["curve"][-1] < 1
    assert found["both"]["Yes"] > found["both"]["No"]


def test_the_average_over_people_is_flatter_than_the_average_person(found):
    average, somebody = np.array(found["average"])
    assert np.ptp(somebody) < np.ptp(average)
    assert (np.diff(somebody) > 0).all()


def test_people_have_finite_effects(found):
    assert len(found["people"]) == 498
    assert 1.0 < np.std(found["people"]) < 1.7


def test_it_draws_its_figures(executed):
    assert len(figures(executed)) == 3
