"""Reports as people and as programs read them."""

from __future__ import annotations

import json
import math

import numpy as np

from gpu_benchmarks.report import Report, Table

from .tiny import MACHINE

TABLE = Table("Speed", ("model", "s"), [("m1", 1 / 3), ("m2", math.nan)], "What s is.", ("m3 is missing.",))


def test_markdown_has_the_machine_the_tables_and_what_they_mean():
    text = Report("speed", [TABLE], MACHINE).markdown()
    parts = ["# speed", MACHINE.line(), "## Speed", "| m1    | 0.333 |", "What s is.", "m3 is missing."]
    assert [text.index(part) for part in parts] == sorted(text.index(part) for part in parts)


def test_a_table_without_rows_is_what_it_means_and_why():
    empty = Table("Speed", ("model", "s"), [], "What s is.", ("m3 is missing.",))
    assert "|" not in Report("speed", [empty], MACHINE).markdown()


def test_json_keeps_every_digit_and_has_null_for_what_is_not_a_number():
    rows = [*TABLE.rows, ("m3", np.float64(2.5))]
    read = json.loads(Report("speed", [Table("Speed", ("model", "s"), rows, "")], MACHINE).json())
    assert read["tables"][0]["rows"] == [["m1", 1 / 3], ["m2", None], ["m3", 2.5]]
    assert read["machine"]["flags"] == {"XLA_FLAGS": "--x"}
