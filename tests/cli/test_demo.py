import numpy as np
import pytest
import xarray as xr

from hmlm.cli import main
from hmlm.cli.demo import Recovered, compare, succeeded, verdict


def recovered(n_inside: int, n: int) -> list[Recovered]:
    return [Recovered("b", 0.0 if i < n_inside else 9.0, 0.0, -1.0, 1.0) for i in range(n)]


def test_compare_takes_the_central_interval_of_the_draws():
    draws = np.linspace(0, 1, 1001).reshape(7, 143)
    (row,) = compare({"b_x": 0.99}, xr.Dataset({"b_x": (("chain", "draw"), draws)}))
    assert (row.estimate, row.low, row.high) == pytest.approx((0.5, 0.025, 0.975))
    assert not row.inside


@pytest.mark.parametrize(
    ("n_inside", "rhat", "expected"),
    [(10, 1.01, True), (8, 1.05, True), (7, 1.01, False), (10, 1.06, False), (10, float("nan"), False)],
)
def test_it_succeeds_only_if_chains_agree_and_the_truth_is_found(n_inside, rhat, expected):
    assert succeeded(recovered(n_inside, 10), rhat) is expected


def test_the_verdict_counts():
    assert verdict(recovered(9, 10), 1.004, 12.3).startswith(
        "9 of 10 true values inside their 95 % intervals; largest R-hat 1.004"
    )


@pytest.mark.filterwarnings("ignore::hmlm.types.SamplingWarning")
def test_a_small_demo_runs_end_to_end(capsys):
    tokens = ["demo", "--people", "20", "--days", "12", "--chains", "2", "--warmup", "100", "--draws", "100"]
    assert main(tokens) in (0, 1)
    printed = capsys.readouterr().out
    assert "sd_id__sigma_Intercept" in printed
    assert "of 15 true values inside their 95 % intervals" in printed
