import numpy as np
import pandas as pd
import pytest

from hmlm.datasets import simulate_affect, simulate_cafes
from hmlm.datasets.affect import AFFECT_TRUTH
from hmlm.datasets.effects import group_effects
from hmlm.types import DataError

NO_EFFECTS = {name: 0.0 for name in AFFECT_TRUTH if name.startswith(("sd_", "cor_"))}


def least_squares(columns: list, y) -> np.ndarray:
    return np.linalg.lstsq(np.column_stack(columns), y, rcond=None)[0]


def test_the_seed_decides_everything():
    pd.testing.assert_frame_equal(simulate_affect(10, 12, seed=3), simulate_affect(10, 12, seed=3))
    assert not simulate_affect(10, 12, seed=3).equals(simulate_affect(10, 12, seed=4))
    pd.testing.assert_frame_equal(simulate_cafes(5), simulate_cafes(5))


def test_affect_has_the_shape_of_the_published_table():
    data = simulate_affect(60, 40)
    reports = data.groupby("id").size()
    assert list(data) == ["id", "day", "PA.std", "NA.std", "PA_lag", "NA_lag", "steps.pm", "steps.pmd"]
    assert data["id"].unique().tolist() == list(range(1, 61))
    assert reports.nunique() > 10
    assert reports.between(8, 40).all()
    assert data.notna().all(axis=None)
    assert data["day"].between(2, 41).all()
    assert data.groupby("id")["day"].is_monotonic_increasing.all()


def test_lags_are_the_previous_report_and_steps_split_into_mean_and_deviation():
    data = simulate_affect(20, 30)
    people = data.groupby("id")
    for now, lag in (("PA.std", "PA_lag"), ("NA.std", "NA_lag")):
        previous = people[now].shift()
        assert data[lag][previous.notna()].equals(previous.dropna())
    assert people["steps.pm"].nunique().eq(1).all()
    np.testing.assert_allclose(people["steps.pmd"].mean(), 0, atol=1e-12)


def test_without_group_effects_regression_finds_the_truth():
    data = simulate_affect(300, 60, seed=1, truth=NO_EFFECTS)
    one, pm, pmd = np.ones(len(data)), data["steps.pm"], data["steps.pmd"]
    mean = [one, data["PA_lag"], data["NA_lag"], pm, pmd, pm * pmd]
    beta = least_squares(mean, data["PA.std"])
    names = ["Intercept", "PA_lag", "NA_lag", "steps.pm", "steps.pmd", "steps.pm:steps.pmd"]
    truth = [AFFECT_TRUTH[f"b_{name}"] for name in names]
    np.testing.assert_allclose(beta, truth, atol=0.03)
    # E log|z| = -0.635 for standard normal z
    log_size = np.log(np.abs(data["PA.std"] - np.column_stack(mean) @ truth)) + 0.635
    scale = [AFFECT_TRUTH[f"b_sigma_{name}"] for name in ("Intercept", "NA_lag", "steps.pm")]
    np.testing.assert_allclose(least_squares([one, data["NA_lag"], pm], log_size), scale, atol=0.06)


def test_group_effects_have_the_stated_covariance():
    truth = {"sd_g__a": 0.5, "sd_g__b": 2.0, "cor_g__a__b": -0.6}
    effects = group_effects(np.random.default_rng(0), truth, "g", ("a", "b"), 200_000)
    np.testing.assert_allclose(np.cov(effects.T), [[0.25, -0.6], [-0.6, 4.0]], atol=0.03)


def test_the_truth_comes_with_the_table():
    data = simulate_affect(5, 10, truth={"b_PA_lag": 0.0})
    assert data.attrs["truth"] == {**AFFECT_TRUTH, "b_PA_lag": 0.0}
    assert simulate_cafes(1).attrs["truth"]["cor_cafe__Intercept__afternoon"] == -0.7


@pytest.mark.parametrize(
    ("truth", "message"),
    [
        ({"b_PAlag": 0.0}, "no parameter 'b_PAlag'; did you mean 'b_PA_lag'"),
        ({"sd_id__Intercept": -1.0}, "must not be negative"),
        ({"cor_id__Intercept__steps.pmd": 1.2}, "no positive definite matrix"),
    ],
)
def test_an_impossible_truth_is_an_error(truth, message):
    with pytest.raises(DataError, match=message):
        simulate_affect(5, 10, truth=truth)


def test_too_small_a_study_is_an_error():
    with pytest.raises(DataError, match="two people and two days"):
        simulate_affect(1, 10)
    with pytest.raises(DataError, match="two cafés and two visits"):
        simulate_cafes(1, n_cafes=1)


def test_cafes_alternate_mornings_and_afternoons():
    data = simulate_cafes(1)
    assert data.shape == (400, 3)
    assert data["afternoon"].tolist()[:4] == [0, 1, 0, 1]
    assert (data.groupby("cafe").size() == 20).all()


def test_cafes_have_the_stated_means_and_spread():
    data = simulate_cafes(2, n_cafes=4000)
    by_cafe = data.pivot_table("wait", "cafe", "afternoon")
    assert by_cafe[0].mean() == pytest.approx(3.5, abs=0.06)
    assert (by_cafe[1] - by_cafe[0]).mean() == pytest.approx(-1.0, abs=0.04)
    spread = data.groupby(["cafe", "afternoon"])["wait"].var().mean() ** 0.5
    assert spread == pytest.approx(0.5, abs=0.01)
