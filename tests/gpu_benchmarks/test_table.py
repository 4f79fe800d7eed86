"""Numbers and tables as printed."""

from __future__ import annotations

import math

import pytest

from gpu_benchmarks.table import markdown, text, versions


@pytest.mark.parametrize(
    ("cell", "printed"),
    [
        (1234.5, "1230"),
        (99.96, "100"),
        (12.34, "12.3"),
        (0.012345, "0.0123"),
        (-0.5, "-0.500"),
        (0.0, "0"),
        (193, "193"),
        ("m1", "m1"),
        (None, "–"),
        (math.nan, "–"),
        (math.inf, "–"),
    ],
)
def test_cells(cell, printed):
    assert text(cell) == printed


def test_markdown():
    assert markdown(("model", "engine", "s"), [("m1", "hmlm", 1.0), ("m2", "x", 12345.0)]) == (
        "| model | engine |     s |\n"
        "| ----- | ------ | ----: |\n"
        "| m1    | hmlm   |  1.00 |\n"
        "| m2    | x      | 12300 |"
    )


def test_a_rule_is_valid_markdown_below_names_of_one_letter():
    assert markdown(("a", "b", "q"), [(1, 2, 3)]).splitlines()[1] == "| -- | -- | -: |"


def test_versions_leave_out_what_is_not_installed():
    assert list(versions(["numpy", "no-such-package"])) == ["numpy"]
