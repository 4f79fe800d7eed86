"""Posteriors of every family are calibrated over data from the prior: one in turn by day, all at night."""

from __future__ import annotations

from datetime import date, timedelta

import pytest

from .bands import outside
from .family_models import NAMES, family_model, of_today
from .sbc import N_DRAWS, calibrate

REPLICATES = 200
MOST_SHORT = 0.03  # of chains whose thinned draws are fewer than they seem


def often(name: str) -> tuple:
    """Today's family belongs to the statistics of every run."""
    today = (pytest.mark.statistics,) if name == of_today() else ()
    return (pytest.mark.nightly, *today)


@pytest.mark.parametrize("name", [pytest.param(name, marks=often(name)) for name in NAMES])
def test_ranks_are_uniform(name):
    found = calibrate(family_model(name), REPLICATES)
    assert found.compiled == 0
    assert found.short <= MOST_SHORT * REPLICATES
    assert outside(found.ranks, N_DRAWS) == {}


def test_every_family_has_its_day():
    days = [date(2026, 1, 1) + timedelta(days=day) for day in range(len(NAMES))]
    assert {of_today(day) for day in days} == set(NAMES)
