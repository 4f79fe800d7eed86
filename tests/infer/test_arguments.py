"""Which settings of an earlier run go with another algorithm."""

from __future__ import annotations

import pytest

from hmlm.infer.arguments import that_apply

EARLIER = {"chains": 2, "warmup": 50, "draws": 70, "seed": 3, "init": "pilot", "resample": True}


@pytest.mark.parametrize(
    "algorithm, kept",
    [
        ("nuts", {"chains", "warmup", "draws", "seed", "init"}),
        ("laplace", {"draws", "seed", "resample"}),
        ("map", {"seed"}),
    ],
)
def test_settings_that_mean_nothing_are_left_out_unless_they_are_given(algorithm, kept):
    run = {**EARLIER, "algorithm": algorithm}
    assert set(that_apply(run, ["algorithm"])) == {*kept, "algorithm"}
    assert "chains" in that_apply(run, ["algorithm", "chains"])
