"""Posteriors of families that are not normal are calibrated: two of them always, of the others one a day."""

from __future__ import annotations

from datetime import date

import pytest

from ..density.test_laws import SCIPY
from .bands import outside
from .sbc import N_DRAWS, calibrate
from .sbc_models import of_family

REPLICATES = 100  # a fast setting: a third of those of the normal models
MOST_SHORT = 0.02  # of chains whose thinned draws are fewer than they seem
ALWAYS = ("bernoulli", "poisson")
IN_TURN = tuple(name for name in SCIPY if name not in (*ALWAYS, "gaussian"))


def of_day(day: date) -> str:
    """The family whose turn it is."""
    return IN_TURN[day.toordinal() % len(IN_TURN)]


def check(name: str) -> None:
    """Ranks of all quantities of a random-intercept model are uniform."""
    found = calibrate(of_family(name).model(), REPLICATES)
    assert found.compiled == 0
    assert found.short <= MOST_SHORT * REPLICATES
    assert outside(found.ranks, N_DRAWS) == {}


@pytest.mark.statistics
@pytest.mark.parametrize("name", [*ALWAYS, of_day(date.today())])
def test_ranks_are_uniform(name):
    check(name)


@pytest.mark.nightly
@pytest.mark.parametrize("name", IN_TURN)
def test_ranks_of_every_family_are_uniform(name):
    check(name)


def test_every_family_has_its_day():
    days = [date.fromordinal(date(2026, 1, 1).toordinal() + i) for i in range(len(IN_TURN))]
    assert {of_day(day) for day in days} == set(IN_TURN)


@pytest.mark.parametrize("name", [*ALWAYS, *IN_TURN])
def test_a_random_intercept_of_every_family_can_be_stated(name):
    model = of_family(name).model()
    assert model.spec.family.name == name
    assert {constant.dpar for constant in model.spec.constants} == set(model.spec.family.dpars) - {"mu"}
