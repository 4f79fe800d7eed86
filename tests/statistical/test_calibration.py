"""Posteriors are calibrated over data from the prior, and deliberate mistakes are noticed."""

from __future__ import annotations

import pytest

from .bands import outside
from .mutants import MUTANTS
from .sbc import N_DRAWS, calibrate
from .sbc_models import CASES, ORDINARY

REPLICATES = 300
MUTANT_REPLICATES = 60
MOST_SHORT = 0.02  # of chains whose thinned draws are fewer than they seem


def often(case) -> tuple:
    """Models with a formula for standard deviations between levels or rescor are the night's."""
    return (pytest.mark.statistics,) if case in ORDINARY else (pytest.mark.nightly,)


@pytest.mark.parametrize("case", [pytest.param(c, marks=often(c), id=c.name) for c in CASES])
def test_ranks_are_uniform(case):
    found = calibrate(case.model(), REPLICATES)
    assert found.compiled == 0
    assert found.short <= MOST_SHORT * REPLICATES
    assert outside(found.ranks, N_DRAWS) == {}


@pytest.mark.statistics
@pytest.mark.parametrize("mutant", MUTANTS, ids=lambda mutant: mutant.name)
def test_mistakes_are_noticed(mutant, monkeypatch):
    found = calibrate(mutant.model(monkeypatch), MUTANT_REPLICATES)
    assert outside(found.ranks, N_DRAWS)
