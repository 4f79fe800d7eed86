"""Each problem is reported, in words that name what is wrong and what to do."""

from __future__ import annotations

import dataclasses
import re

import numpy as np
import pytest

from hmlm.results import check, warn
from hmlm.types import SamplingWarning

SHAPE = (4, 250)


def noise(seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).normal(size=SHAPE)


def random_walk() -> np.ndarray:
    return np.cumsum(noise(), axis=1)


def test_good_draws_raise_no_problem(melsm, outcomes, nested, single_chain):
    assert [check(fit) for fit in (melsm, outcomes, nested, single_chain)] == [()] * 4


CASES = {
    "not mixed": (
        {"b_day": noise() + 3 * np.arange(4)[:, None]},
        "R-hat is above 1.01 for 1 of 8 .* day \\(",
    ),
    "walks": ({"b_day": random_walk()}, "Bulk ESS is below 400 .100 per chain. for 1 of 8 parameters: day"),
    "nan": ({"b_day": np.where(np.arange(250) == 7, np.nan, noise())}, "NaN or infinite: day .4 draws."),
    "frozen": ({"b_day": noise() * np.array([1, 0, 1, 1])[:, None]}, "Chain 2 did not move: .* of day\\."),
    "frozen apart": ({"b_day": np.arange(4.0)[:, None] + np.zeros(SHAPE)}, "Chain 4 did not move"),
}


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("name", CASES)
def test_draws_with_a_problem(melsm, change_draws, name):
    draws, message = CASES[name]
    assert any(re.search(message, found) for found in check(change_draws(melsm, **draws)))


def test_warn_issues_each_message(melsm, change_draws):
    fit = change_draws(melsm, b_day=random_walk())
    with pytest.warns(SamplingWarning) as caught:
        warn(fit)
    assert tuple(str(warning.message) for warning in caught) == fit.problems


def test_divergences_are_counted_by_chain(melsm, change_stats):
    diverging = np.zeros(SHAPE, bool)
    diverging[2, :27] = True
    (message,) = check(change_stats(melsm, diverging=diverging))
    assert message.startswith("27 of 1000 draws diverged (by chain: 0, 0, 27, 0)")
    assert "target_accept" in message


def test_saturated_trees(melsm, change_stats):
    depth = np.where(np.arange(250) < 50, 10, 4) + np.zeros(SHAPE, int)
    (message,) = check(change_stats(melsm, tree_depth=depth))
    assert message.startswith("20% of the draws reached max_tree_depth = 10")
    assert (
        check(change_stats(melsm, tree_depth=np.where(np.arange(250) < 1, 10, 4) + np.zeros(SHAPE, int)))
        == ()
    )


def test_only_the_worst_parameters_are_named(melsm, change_draws):
    names = [row.variable for row in melsm.info.rows]
    fit = change_draws(melsm, **{name: noise(i) + i * np.arange(4)[:, None] for i, name in enumerate(names)})
    message = next(message for message in check(fit) if message.startswith("R-hat"))
    assert "day" in message and "and 4 more" in message


def test_a_parameter_fixed_by_its_prior_is_no_problem(melsm, change_draws):
    assert check(change_draws(melsm, b_day=np.ones(SHAPE))) == ()


def test_everything_frozen(melsm, change_draws):
    fit = change_draws(melsm, **{row.variable: np.ones(SHAPE) for row in melsm.info.rows})
    assert [message[:20] for message in check(fit)] == [f"Chain {c} did not move"[:20] for c in (1, 2, 3, 4)]


@pytest.mark.filterwarnings("error")
def test_too_few_draws(melsm):
    short = dataclasses.replace(melsm, posterior=melsm.posterior.isel(draw=slice(3)))
    assert check(short)[0].startswith("Only 3 draws per chain")


def test_samplers_without_trees(melsm):
    bare = dataclasses.replace(melsm, sample_stats=melsm.sample_stats[["acceptance_rate"]])
    assert check(bare) == ()
