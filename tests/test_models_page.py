"""The page "Can I write my model?": each yes names tests that exist, each no a plan, each family is there."""

from __future__ import annotations

import ast
import re
from functools import cache
from pathlib import Path

import pytest

from hmlm.spec.families import FAMILIES

ROOT = Path(__file__).resolve().parents[1]
PAGE = ROOT / "docs" / "models.md"
TEST = re.compile(r"`(tests/[\w/]+\.py)::(test_\w+)`")
PLAN = re.compile(r"(planned|not planned: .+)(: .+)?")
HEADINGS = ["feature", "hmlm", "brms", "lme4 / glmmTMB", "bambi", "shown by"]


def sections() -> dict[str, list[list[str]]]:
    """Rows of cells of every table, by the heading above it."""
    found: dict[str, list[list[str]]] = {}
    for line in PAGE.read_text(encoding="utf-8").splitlines():
        if line.startswith("## "):
            rows = found.setdefault(line.removeprefix("## "), [])
        if line.startswith("|") and set(line) - set("|-"):
            rows.append([cell.strip() for cell in re.split(r"(?<!\\)\|", line)[1:-1]])
    return found


ROWS = [row for rows in sections().values() for row in rows[1:]]


@cache
def names_in(path: str) -> frozenset[str]:
    tree = ast.parse((ROOT / path).read_text(encoding="utf-8"))
    return frozenset(node.name for node in tree.body if isinstance(node, ast.FunctionDef))


def test_the_tables_are_read():
    assert all(rows[0] == HEADINGS for rows in sections().values())
    assert len(ROWS) > 45 and all(len(row) == len(HEADINGS) for row in ROWS)


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row[0])
def test_every_yes_is_tested_and_every_no_says_what_comes(row):
    _, own, *others, shown = row
    named = TEST.findall(shown)
    assert own in ("yes", "no") and all(others)
    assert bool(named) == (own == "yes") != bool(PLAN.fullmatch(shown)), shown
    for path, name in named:
        assert name in names_in(path), f"{path} has no {name}"


def test_every_family_has_a_yes():
    said = {
        word for row in sections()["Families"][1:] if row[1] == "yes" for word in re.findall(r"\w+", row[0])
    }
    assert set(FAMILIES) <= said
