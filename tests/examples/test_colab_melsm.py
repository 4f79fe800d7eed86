"""The cloud notebook, run on a small diary study: it says what it does, finds the truth, keeps its fit."""

from __future__ import annotations

import json

import nbformat
import numpy as np
import pandas as pd
import pytest

import hmlm as hm

from .notebooks import EXAMPLES, code_cells, figures, printed, read, run, with_settings

NOTEBOOK = EXAMPLES / "colab_melsm.ipynb"
N_PEOPLE = 40
SMALL = {"N_PEOPLE": N_PEOPLE, "N_DAYS": 25, "CHAINS": 2, "WARMUP": 300, "DRAWS": 500}

# What the checks below need to know, asked of the notebook's own variables after its last cell.
QUESTIONS = """
import json
print(json.dumps({
    "plan": plan,
    "truth": truth,
    "table": table.to_dict(),
    "largest_rhat": largest_rhat,
    "divergences": divergences,
    "unchanged": unchanged,
    "sigma": [sigma_low.tolist(), estimate.tolist(), sigma_high.tolist()],
    "sigma_truth": (LOG_SIGMA + deviations[:, 2]).tolist() if truth else None,
}))
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("notebook")


@pytest.fixture(scope="module")
def executed(folder):
    notebook = with_settings(read(NOTEBOOK), SMALL)
    notebook.cells.append(nbformat.v4.new_code_cell(QUESTIONS))
    return run(notebook, folder)


@pytest.fixture(scope="module")
def found(executed):
    return json.loads(printed(executed.cells[-1]))


def test_it_is_kept_without_outputs():
    cells = code_cells(read(NOTEBOOK))
    assert [cell.outputs for cell in cells] == [[]] * len(cells)
    assert {cell.execution_count for cell in cells} == {None}


def test_it_says_what_it_computes_on(executed):
    assert "computing on the CPU" in printed(code_cells(executed)[1])


def test_effects_on_the_mean_are_integrated_out_and_those_on_log_sigma_sampled(found):
    lines = [" ".join(line.split()) for line in found["plan"].splitlines()]
    assert any(line.startswith(f"person Intercept, stress {N_PEOPLE} integrated out 0") for line in lines)
    assert any(line.startswith(f"person sigma_Intercept {N_PEOPLE} informed {N_PEOPLE}") for line in lines)


def test_the_chains_agree(found):
    assert found["largest_rhat"] < 1.03
    assert found["divergences"] == 0
    assert min(found["table"]["Bulk_ESS"].values()) > 300


def test_the_true_values_are_inside_their_intervals(found):
    table = pd.DataFrame(found["table"])
    assert set(table.index) == set(found["truth"])
    truth = pd.Series(found["truth"])[table.index]
    inside = (table["l-95% CI"] <= truth) & (truth <= table["u-95% CI"])
    assert inside.sum() >= 8  # what `hmlm demo` asks for too
    assert ((table["Estimate"] - truth).abs() <= 3.5 * table["Est.Error"]).all()


def test_the_intervals_say_something(found):
    table = pd.DataFrame(found["table"])
    low, high = table["l-95% CI"], table["u-95% CI"]
    assert high["b_stress"] < 0 < low["b_sigma_stress"]
    assert high["cor_person__Intercept__sigma_Intercept"] < 0
    assert low["sd_person__sigma_Intercept"] > 0.2


def test_the_moody_are_told_from_the_steady(found):
    low, estimate, high = np.array(found["sigma"])
    truth = np.exp(found["sigma_truth"])
    assert np.corrcoef(np.log(estimate), np.log(truth))[0, 1] > 0.85
    assert 0.85 * N_PEOPLE <= np.sum((low <= truth) & (truth <= high)) <= N_PEOPLE


def test_it_draws_two_figures(executed):
    assert len(figures(executed)) == 2


def test_the_saved_fit_is_the_one_that_was_made(found, folder):
    assert found["unchanged"]
    fit = hm.load_fit(folder / "diary_fit.nc")
    estimates = fit.summary(variable=True).set_index("variable")["Estimate"]
    assert estimates.to_dict() == pytest.approx(found["table"]["Estimate"])
    assert fit["r_person__sigma"].sizes["person"] == N_PEOPLE


@pytest.mark.nightly
def test_it_takes_a_file_of_ones_own(tmp_path):
    rng = np.random.default_rng(1)
    person, stress = np.repeat(np.arange(12), 15), rng.normal(size=180)
    mood = rng.normal(2 + 0.5 * stress + rng.normal(size=12)[person], 0.5)
    pd.DataFrame({"person": person, "stress": stress, "mood": mood}).to_csv(tmp_path / "own.csv")
    notebook = with_settings(read(NOTEBOOK), {**SMALL, "DATA_FILE": "own.csv"})
    notebook.cells.append(nbformat.v4.new_code_cell(QUESTIONS))
    found = json.loads(printed(run(notebook, tmp_path).cells[-1]))
    slope = pd.DataFrame(found["table"]).loc["b_stress"]
    assert abs(slope["Estimate"] - 0.5) < 4 * slope["Est.Error"] < 0.5
    assert found["truth"] == {} and len(figures(notebook)) == 2
