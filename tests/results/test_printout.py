"""``print(fit)`` against golden text made from fixed draws."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from hmlm.results.printout import format_table

GOLDEN = Path(__file__).parent


@pytest.mark.parametrize("name", ["melsm", "outcomes", "nested", "single_chain"])
def test_print_is_the_golden_text(name, request):
    assert str(request.getfixturevalue(name)) + "\n" == (GOLDEN / f"{name}.txt").read_text()


def test_print_shows_problems_last(melsm, change_stats):
    fit = change_stats(melsm, diverging=np.ones((4, 250), bool))
    last = str(fit).split("\n\n")[-1]
    assert last.startswith("Warning: 1000 of 1000 draws diverged")
    assert max(map(len, last.splitlines())) <= 110


def test_print_makes_no_group_effects(melsm):
    str(melsm)
    assert melsm.effects_fn.calls == 0


def test_print_says_interrupted(melsm):
    fit = dataclasses.replace(melsm, info=dataclasses.replace(melsm.info, interrupted=True))
    assert "total post-warmup draws = 1000 (interrupted)" in str(fit)


def test_print_without_times_or_plan(melsm):
    fit = dataclasses.replace(melsm, info=dataclasses.replace(melsm.info, seconds=(), density=""))
    assert "Time:" not in str(fit) and "Effects:" not in str(fit)


def test_print_says_when_the_first_draw_came(melsm):
    seconds = (("prepare", 0.4), ("compile", 3.1), ("start", 0.06), ("warmup", 5.0), ("sampling", 4.2))
    info = dataclasses.replace(melsm.info, seconds=seconds)
    assert info.first_draw == pytest.approx(3.56)
    printed = str(dataclasses.replace(melsm, info=info))
    wanted = "12.8 s (first draw after 3.6: prepare 0.4, compile 3.1, start 0.1; warm-up 5.0, sampling 4.2)"
    assert f"Time: {wanted}\n" in printed


def test_table_is_laid_out_as_by_brms():
    columns = ["Estimate", "Est.Error", "l-95% CI", "u-95% CI", "Rhat", "Bulk_ESS", "Tail_ESS"]
    rows = {
        "NAstd_Intercept": [-0.03, 0.05, -0.14, 0.07, 1.01, 231, 486],
        "PAstd_Intercept": [0.00, 0.06, -0.11, 0.11, 1.02, 251, 566],
    }
    assert format_table(pd.DataFrame.from_dict(rows, orient="index", columns=columns)) == (
        "                Estimate Est.Error l-95% CI u-95% CI Rhat Bulk_ESS Tail_ESS\n"
        "NAstd_Intercept    -0.03      0.05    -0.14     0.07 1.01      231      486\n"
        "PAstd_Intercept     0.00      0.06    -0.11     0.11 1.02      251      566"
    )


def test_small_errors_get_two_significant_digits():
    """A slope per day of 0.0015 with an error of 0.0004 used to read 0.00 and 0.00."""
    rows = {
        "PA_lag": [0.36, 0.01, 1.0, 5362],
        "day": [-0.00149, 0.00043, 1.0, 4895],
        "x": [4.55e-7, 5e-8, 1.0, 9],
    }
    frame = pd.DataFrame.from_dict(
        rows, orient="index", columns=["Estimate", "Est.Error", "Rhat", "Bulk_ESS"]
    )
    assert format_table(frame).splitlines() == [
        "       Estimate Est.Error Rhat Bulk_ESS",
        "PA_lag  0.36      0.01    1.00     5362",
        "day    -0.00149   0.00043 1.00     4895",
        "x      4.55e-07  5.00e-08 1.00        9",
    ]


def test_large_numbers_are_powers_of_ten():
    frame = pd.DataFrame({"Estimate": [1.5e12, np.inf], "Est.Error": [2e11, np.nan]}, index=["b", "c"])
    assert format_table(frame) == "  Estimate Est.Error\nb 1.50e+12  2.00e+11\nc      Inf        NA"


def test_table_wraps_only_when_too_wide():
    frame = pd.DataFrame({"Estimate": [1.0], "Rhat": [np.nan], "Bulk_ESS": [np.inf]}, index=["a" * 10])
    assert format_table(frame) == "           Estimate Rhat Bulk_ESS\naaaaaaaaaa     1.00   NA      Inf"
    wrapped = format_table(frame, width=24).splitlines()
    assert wrapped == [
        "           Estimate Rhat",
        "aaaaaaaaaa     1.00   NA",
        "           Bulk_ESS",
        "aaaaaaaaaa      Inf",
    ]
