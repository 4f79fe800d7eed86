"""Draws between two looks: by time, within what a call has room for."""

from __future__ import annotations

from hmlm.infer.pace import FIRST, SECONDS, Pace


def run(seconds_per_draw, most=1000, fixed=None, calls=12):
    pace, numbers = Pace(fixed, most), []
    for _ in range(calls):
        numbers.append(pace.n)
        pace = pace.after(pace.n, pace.n * seconds_per_draw)
    return numbers


def test_it_settles_where_a_look_comes_as_often_as_said():
    assert run(0.001)[-1] * 0.001 == SECONDS
    assert run(0.1)[-1] == 2


def test_it_starts_small_and_changes_by_four_at_most():
    numbers = run(1e-6)
    assert numbers[:3] == [FIRST, 4 * FIRST, 16 * FIRST]


def test_it_has_bounds():
    assert run(1e-6)[-1] == 1000
    assert run(100.0)[-1] == 1


def test_a_fixed_number_stays():
    assert set(run(0.1, fixed=50)) == {50}
