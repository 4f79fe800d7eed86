"""Each problem is reported, in words that name what is wrong and what to do."""

from __future__ import annotations

import dataclasses
import re

import numpy as np
import pytest

import hmlm as hm
from hmlm.infer.settings import Settings
from hmlm.results import check, warn
from hmlm.results.diagnosis import Severity
from hmlm.results.diagnosis.precision import least_ess
from hmlm.results.statement import Statement
from hmlm.types import SamplingWarning

from .conftest import MELSM, build, with_draws, with_stats

SHAPE = (4, 250)
ONE_APART = np.array([0, 0, 1, 0])[:, None]


def noise(seed: int = 0, shape: tuple[int, int] = SHAPE) -> np.ndarray:
    return np.random.default_rng(seed).normal(size=shape)


def random_walk() -> np.ndarray:
    return np.cumsum(noise(), axis=1)


def with_info(fit, **changes):
    return dataclasses.replace(fit, info=dataclasses.replace(fit.info, **changes))


def with_settings(fit, **settings):
    stated = Statement(None, "gaussian", (), "auto", "auto", "d", Settings(**settings))
    return dataclasses.replace(fit, statement=stated)


def many_chains(chains: int = 64, draws: int = 20, **changes):
    """A fit of short chains that started in eight superchains."""
    info = {"chains": chains, "draws": draws, "superchains": 8, **changes}
    return build(dataclasses.replace(MELSM, **info))


def found(fit, code):
    """The one finding of a check."""
    (one,) = [finding for finding in fit.diagnose().findings if finding.code == code]
    return one


def severities(fit):
    return {finding.code: finding.severity.name for finding in fit.diagnose().findings}


def test_good_draws_raise_no_problem(melsm, outcomes, nested, single_chain):
    assert [check(fit) for fit in (melsm, outcomes, nested, single_chain)] == [()] * 4


CASES = {
    "not mixed": (
        {"b_day": noise() + 3 * np.arange(4)[:, None]},
        "R-hat is above 1.01 for 1 of 8 .* day \\(",
    ),
    "walks": ({"b_day": random_walk()}, "Bulk ESS is below 400 for 1 of 8 parameters: day"),
    "nan": ({"b_day": np.where(np.arange(250) == 7, np.nan, noise())}, "NaN or infinite: day .4 draws."),
    "infinite": ({"b_day": np.where(np.arange(250) == 7, np.inf, noise())}, "NaN or infinite: day .4 draws."),
    "frozen": ({"b_day": noise() * np.array([1, 0, 1, 1])[:, None]}, "Chain 2 did not move: .* of day\\."),
    "frozen apart": (
        {"b_day": np.arange(4.0)[:, None] + np.zeros(SHAPE)},
        "Chains 1, 2, 3, 4 did not move",
    ),
}


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("name", CASES)
def test_draws_with_a_problem(melsm, change_draws, name):
    draws, message = CASES[name]
    fit = change_draws(melsm, **draws)
    assert any(re.search(message, found) for found in check(fit))
    assert check(fit) == tuple(map(str, fit.diagnose().problems))


def test_warn_issues_each_message(melsm, change_draws):
    fit = change_draws(melsm, b_day=random_walk())
    with pytest.warns(SamplingWarning) as caught:
        warn(fit)
    assert tuple(str(warning.message) for warning in caught) == fit.problems


# --- whole ----------------------------------------------------------------------------------------


def test_everything_frozen(melsm, change_draws):
    (message,) = check(change_draws(melsm, **{row.variable: np.ones(SHAPE) for row in melsm.info.rows}))
    assert message.startswith("Chains 1, 2, 3, 4 did not move") and "fit.update(seed=15," in message


def test_a_parameter_fixed_by_its_prior_is_no_problem(melsm, change_draws):
    assert check(change_draws(melsm, b_day=np.ones(SHAPE))) == ()


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("draws", [1, 3])
def test_too_few_draws(melsm, draws):
    short = dataclasses.replace(
        melsm,
        posterior=melsm.posterior.isel(draw=slice(draws)),
        sample_stats=melsm.sample_stats.isel(draw=slice(draws)),
    )
    assert check(short)[0].startswith(f"Only {draws} draws per chain")
    assert len(short.diagnostics()) == 4


def test_an_interrupted_run_is_noted(melsm):
    assert (
        "250 of 1000 draws"
        in found(with_settings(with_info(melsm, interrupted=True), draws=1000), "interrupted").message
    )
    assert "after 250 draws" in found(with_info(melsm, interrupted=True), "interrupted").message
    assert "interrupted" not in severities(melsm)


def test_one_chain_is_noted(single_chain, melsm):
    assert found(single_chain, "one-chain").settings == {"chains": 4}
    assert "one-chain" not in severities(melsm)


def test_draws_of_the_prior_need_no_convergence(melsm, change_draws):
    fit = with_info(change_draws(melsm, b_day=random_walk()), algorithm="prior")
    assert severities(fit) == {"not-finite": "FINE"}


# --- agreement ------------------------------------------------------------------------------------


def test_only_the_worst_parameters_are_named(melsm, change_draws):
    names = [row.variable for row in melsm.info.rows]
    fit = change_draws(melsm, **{name: noise(i) + i * np.arange(4)[:, None] for i, name in enumerate(names)})
    message = next(message for message in check(fit) if message.startswith("R-hat"))
    assert "day" in message and "and 4 more" in message


def test_chains_in_another_mode_are_named(melsm, change_draws):
    finding = found(change_draws(melsm, b_day=noise() + 5 * ONE_APART), "modes")
    assert finding.chains == (3,) and finding.parameters == ("b_day",)
    assert re.search(
        r"Chain 3 stayed elsewhere: day is about [45]\.\d+ there and -?0\.0\d+ in the", finding.message
    )
    assert "several modes" in finding.advice


def test_a_place_of_much_lower_density_is_no_mode(melsm, change_draws, change_stats):
    fit = change_stats(change_draws(melsm, b_day=noise() + 5 * ONE_APART), lp=noise(1) - 30 * ONE_APART)
    finding = found(fit, "modes")
    assert re.search(r"lower by 3\d\.\d of its", finding.message) and "stuck there" in finding.advice


def test_slow_mixing_is_no_mode(melsm, change_draws):
    """Chains that differ in their means but visit the same values."""
    finding = found(change_draws(melsm, b_day=noise() + 0.5 * ONE_APART), "rhat")
    assert finding.severity is Severity.ERROR and "sample longer" in finding.advice
    assert finding.settings == {"warmup": 1000, "draws": 500}


def test_a_common_drift_is_a_short_warm_up(melsm, change_draws):
    fit = change_draws(melsm, b_day=noise() - np.linspace(3, 0, 250))
    finding = found(fit, "drift")
    assert finding.settings == {"warmup": 1000} and "day still moves" in finding.message


def test_drift_is_seen_where_nested_r_hat_is_blind():
    fit = many_chains()
    shape = (64, 20)
    drift = with_draws(fit, b_day=noise(3, shape) - np.linspace(0.8, 0, 20))
    assert drift.nested_rhat()["day"] < 1.01
    assert found(drift, "drift").parameters == ("b_day",)
    assert "drift" not in severities(fit)


def test_drift_is_rarely_seen_where_there_is_none():
    values = np.random.default_rng(0).normal(size=(400, 8, 4, 50))
    from hmlm.results.diagnosis.drift import drifting

    assert sum(drifting(one).any() for one in values) <= 2  # 0.4 expected


# --- precision ------------------------------------------------------------------------------------


@pytest.mark.parametrize(("chains", "least"), [(1, 100), (2, 200), (4, 400), (8, 400), (512, 400)])
def test_the_total_ess_counts(chains, least):
    assert least_ess(chains) == least


def test_how_many_times_more_draws(melsm, change_draws):
    """AR(1) draws have an ESS of a third of the draws."""
    draws = noise()
    for s in range(1, 250):
        draws[:, s] += 0.7 * draws[:, s - 1]
    fit = change_draws(melsm, b_day=draws)
    ess = fit.convergence.bulk[-1]
    finding = found(fit, "ess-bulk")
    assert finding.severity is Severity.WARNING
    assert 400 / ess * 250 <= finding.settings["draws"] <= 1.1 * 400 / ess * 250
    assert f"{400 / ess:.1f} times as many draws" in finding.advice


def test_ess_waits_for_chains_that_agree(melsm, change_draws):
    finding = found(change_draws(melsm, b_day=noise() + 5 * ONE_APART), "ess-bulk")
    assert finding.settings == {} and "First the chains" in finding.advice


# --- trajectories ---------------------------------------------------------------------------------


def test_divergences_are_counted_by_chain(melsm, change_stats):
    diverging = np.zeros(SHAPE, bool)
    diverging[2, :27] = True
    (message,) = check(change_stats(melsm, diverging=diverging))
    assert message.startswith("27 of 1000 draws diverged (by chain: 0, 0, 27, 0)")
    assert "fit.update(target_accept=0.95)" in message


@pytest.mark.parametrize(("now", "settings"), [(0.9, 0.95), (0.95, 0.99), (0.99, None)])
def test_the_next_target(melsm, change_stats, now, settings):
    fit = with_settings(change_stats(melsm, diverging=noise() > 1), target_accept=now)
    assert found(fit, "divergences").settings.get("target_accept") == settings


def test_divergences_near_zero_of_a_standard_deviation(melsm, change_draws, change_stats):
    sd = np.abs(noise(3))
    fit = change_stats(change_draws(melsm, sd_id__day=sd), diverging=sd < 0.1)
    finding = found(fit, "divergences")
    assert "They are where sd(day) is near zero" in finding.message
    assert 'hm.prior("exponential(1)", class_="sd", group="id")' in finding.advice
    assert found(fit, "boundary").parameters == ("sd_id__day",)


def test_divergences_anywhere_have_no_place(melsm, change_stats):
    finding = found(change_stats(melsm, diverging=noise(7) > 1.5), "divergences")
    assert "They are where" not in finding.message


def test_divergences_of_many_chains_are_not_listed():
    fit = many_chains()
    diverging = np.zeros((64, 20), bool)
    diverging[40, :3] = diverging[50, 1] = True
    assert "(in 2 of 64 chains, the most in chain 41: 3)" in check(with_stats(fit, diverging=diverging))[0]


def test_saturated_trees(melsm, change_stats):
    depth = np.where(np.arange(250) < 50, 10, 4) + np.zeros(SHAPE, int)
    (message,) = check(change_stats(melsm, tree_depth=depth))
    assert message.startswith("20% of the draws reached max_tree_depth = 10")
    assert "fit.update(max_tree_depth=12)" in message
    few = np.where(np.arange(250) < 1, 10, 4) + np.zeros(SHAPE, int)
    assert check(change_stats(melsm, tree_depth=few)) == ()


def test_heavy_tails_are_seen_in_the_energies(melsm, change_draws, change_stats):
    energy = np.cumsum(noise(8), axis=1)
    fit = change_stats(melsm, energy=np.where(np.arange(4)[:, None] == 1, energy, noise(9)))
    assert found(fit, "energy").chains == (2,) and "below 0.3 in chain 2 (0.0" in check(fit)[0]
    follows = change_draws(change_stats(melsm, energy=energy), sd_id__day=energy + noise(4))
    assert "moves with sd(day)" in found(follows, "energy").message
    assert severities(change_stats(melsm, energy=noise(9)))["energy"] == "FINE"


def test_numbers_of_many_chains_are_a_range():
    fit = with_stats(many_chains(64, 200), energy=np.cumsum(noise(8, (64, 200)), axis=1))
    message = found(fit, "energy").message
    assert re.search(r"in chains 1, 2, 3, 4, 5, 6, 7, 8 and 56 more \(0\.0\d to 0\.\d\d\):", message)


def test_energies_of_short_chains_are_taken_together():
    """Of 512 independent chains of 20 draws some have an E-BFMI below 0.3 of pure noise."""
    moves = np.random.default_rng(0).normal(size=(512, 20))
    slow = np.cumsum(0.1 * moves, axis=1) + np.random.default_rng(1).normal(size=(512, 1))
    half = 0.5 * moves
    for s in range(1, 20):
        half[:, s] = 0.5 * half[:, s - 1] + np.sqrt(0.75) * moves[:, s]
    fit = many_chains(512, 20)
    assert with_stats(fit, energy=half).diagnostics()["ebfmi"].min() < 0.4
    assert severities(with_stats(fit, energy=half))["energy"] == "FINE"
    finding = found(with_stats(fit, energy=slow), "energy")
    assert "below 0.3 in all chains together" in finding.message and finding.chains == ()


def test_energies_of_a_sampler_that_keeps_momentum_say_nothing(melsm, change_stats):
    fit = with_settings(change_stats(melsm, energy=np.cumsum(noise(8), axis=1)), algorithm="meads", chains=8)
    assert "energy" not in severities(fit)


def test_a_chain_that_was_not_tuned(melsm, change_stats):
    step, rate = np.full(SHAPE, 0.5), np.full(SHAPE, 0.8)
    step[3], rate[1] = 0.02, 0.4
    fit = change_stats(melsm, step_size=step, acceptance_rate=rate)
    assert found(fit, "step-size").chains == (4,) and found(fit, "acceptance").chains == (2,)
    assert check(fit) == ()
    assert "acceptance" not in severities(with_settings(fit, algorithm="chees", chains=8))


def test_waiting_of_chains_that_advance_together(melsm, change_stats):
    steps = np.where(noise() > 1.2, 255, 15)
    together = with_info(change_stats(melsm, n_steps=steps), together=4)
    assert found(together, "waiting").settings == {"algorithm": "chees"}
    assert "waiting" not in severities(change_stats(melsm, n_steps=steps))
    assert severities(with_info(melsm, together=4))["waiting"] == "FINE"


def test_samplers_without_trees(melsm):
    bare = dataclasses.replace(melsm, sample_stats=melsm.sample_stats[["acceptance_rate"]])
    assert check(bare) == ()
    assert {"divergences", "saturated", "energy", "waiting"}.isdisjoint(severities(bare))


def test_statistics_without_meaning_are_not_judged(melsm, change_stats):
    """Samplers fill what they have no number for with NaN or 0."""
    empty = {"tree_depth": np.zeros(SHAPE), "step_size": np.zeros(SHAPE), "energy": np.full(SHAPE, np.nan)}
    fit = change_stats(melsm, **empty)
    assert {"saturated", "step-size", "energy"}.isdisjoint(severities(fit))
    assert {"tree_depth", "step_size", "ebfmi"}.isdisjoint(fit.diagnostics().columns)


# --- geometry -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("draw", "severity"),
    [
        (lambda rng: np.abs(rng.normal(size=SHAPE)), "NOTE"),
        (lambda rng: rng.exponential(size=SHAPE), "NOTE"),
        (lambda rng: rng.gamma(2, size=SHAPE), "FINE"),
        (lambda rng: rng.normal(3, 1, SHAPE), "FINE"),
    ],
)
def test_standard_deviations_at_zero(melsm, change_draws, draw, severity):
    rng = np.random.default_rng(1)
    sds = {name: 1 + rng.uniform(size=SHAPE) for name in ("sd_id__Intercept", "sd_id__sigma_Intercept")}
    assert severities(change_draws(melsm, **sds, sd_id__day=draw(rng)))["boundary"] == severity


def test_pairs_that_are_hardly_told_apart(melsm, change_draws):
    fit = change_draws(melsm, b_day=noise(), b_Intercept=-noise() + 0.1 * noise(1))
    finding = found(fit, "correlated")
    assert "Intercept and day (-0.99" in finding.message or "Intercept and day (-1.00" in finding.message
    assert set(finding.parameters) == {"b_day", "b_Intercept"}
    assert check(fit) == ()


# --- many chains ----------------------------------------------------------------------------------


def test_many_short_chains_of_good_draws_are_good():
    """512 chains of 20 draws with an autocorrelation of 0.5: split R-hat is 1.1, ESS 3400 of 10 240."""
    rng, shape = np.random.default_rng(0), (512, 20)
    draws = {}
    for row in MELSM.rows:
        values = rng.normal(size=shape)
        for s in range(1, 20):
            values[:, s] = 0.5 * values[:, s - 1] + np.sqrt(0.75) * values[:, s]
        draws[row.variable] = values
    fit = with_draws(many_chains(*shape, superchains=16), **draws)
    assert check(fit) == ()
    assert fit.summary()["Rhat"].max() < 1.01
    split = with_info(fit, superchains=0)
    assert split.summary()["Rhat"].min() > 1.05
    assert severities(split)["own-starts"] == "NOTE"
    assert "Rhat is the potential\nscale reduction factor on 16 superchains" in str(fit)


# --- the text -------------------------------------------------------------------------------------


def test_the_text_says_problems_first_and_what_is_fine_last(melsm, change_draws):
    text = str(change_draws(melsm, b_day=random_walk()).diagnose())
    lines = text.splitlines()
    assert lines[0].startswith("3 problems were found")
    assert lines.index("Problems") < lines.index("Fine")
    assert "  - None of 1000 draws diverged." in lines and "     Try: " in text
    assert max(map(len, lines)) <= 100


def test_findings_come_in_order_of_severity(melsm, change_draws, change_stats):
    fit = change_stats(change_draws(melsm, b_day=random_walk()), diverging=noise() > 2)
    order = [finding.severity for finding in fit.diagnose().findings]
    assert order == sorted(order) and fit.diagnose().problems[0].code == "divergences"
    assert not fit.diagnose().good and melsm.diagnose().good
    assert melsm.diagnose().verdict.startswith("No problem was found")


# --- a real fit -----------------------------------------------------------------------------------


def table():
    rng = np.random.default_rng(0)
    group = np.repeat(np.arange(8), 5)
    x = rng.normal(size=40)
    return {"y": 1 + 0.5 * x + rng.normal(size=8)[group] + 0.5 * rng.normal(size=40), "x": x, "g": group}


@pytest.fixture(scope="module")
def real():
    """40 rows of 8 groups, slopes that do not vary."""
    prior = hm.prior("", class_="sd", coef="x", group="g")
    with pytest.warns(SamplingWarning):
        return hm.fit("y ~ x + (1 + x | g)", table(), prior=prior, chains=2, warmup=150, draws=60, seed=1)


def test_the_prior_that_is_proposed_can_be_stated(real):
    fit = with_draws(real, sd_g__x=np.abs(noise(4, (2, 60))))
    finding = found(fit, "boundary")
    assert "sd_g__x" in finding.parameters and "(the prior of sd_g__x is flat)" in finding.message
    call = re.search(r"hm\.prior\(.*?\"\)", finding.advice).group()
    assert call == 'hm.prior("exponential(1)", class_="sd", coef="x", group="g")'
    assert (
        hm.model("y ~ x + (1 + x | g)", table(), prior=eval(call)).spec.blocks[0].sd[1].name == "exponential"
    )


def test_a_saved_fit_is_diagnosed_the_same(real, tmp_path):
    real.save(tmp_path / "fit.nc")
    read = hm.load_fit(tmp_path / "fit.nc")
    assert str(read.diagnose()) == str(real.diagnose())
    np.testing.assert_array_equal(read.diagnostics(), real.diagnostics())


def test_a_real_fit_has_all_statistics(real):
    frame = real.diagnostics()
    known = {"divergences", "acceptance_rate", "step_size", "tree_depth", "saturated", "gradients", "wasted"}
    assert {*known, "trajectory_length", "ebfmi", "ess", "ess_per_gradient", "ess_per_second"} == set(
        frame.columns
    )
    length = real.sample_stats["n_steps"] * real.sample_stats["step_size"]  # leapfrogs: few dimensions
    np.testing.assert_allclose(frame["trajectory_length"], length.mean("draw"))
    assert (frame["wasted"] == 0).all() and frame.notna().all().all()
    assert real.info.together == 1 and real.info.superchains == 0


def test_settings_that_are_proposed_can_be_passed(real):
    accepted = {field.name for field in dataclasses.fields(Settings)} | {"algorithm"}
    proposed = {name for finding in real.diagnose().findings for name in finding.settings}
    assert proposed and proposed <= accepted
