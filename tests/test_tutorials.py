"""The page of tutorials: each row names tests that exist, or what it waits for; methods are spelled right."""

from __future__ import annotations

import ast
import re
from functools import cache
from pathlib import Path

import pytest

import hmlm as hm
from hmlm.results.plots import Plots

ROOT = Path(__file__).resolve().parents[1]
PAGE = ROOT / "docs" / "seeds.md"
TEST = re.compile(r"`(tests/[\w/]+\.py)::(test_\w+)`")
WAITING = re.compile(r"not yet: needs .+")


def rows() -> list[tuple[str, str, str]]:
    """Block, call and tests of every row of the page's tables."""
    lines = [line for line in PAGE.read_text(encoding="utf-8").splitlines() if line.startswith("|")]
    cells = [[cell.strip() for cell in re.split(r"(?<!\\)\|", line)[1:-1]] for line in lines]
    return [tuple(row) for row in cells if row[0] != "block" and set(row[0]) != {"-"}]


@cache
def names_in(path: str) -> frozenset[str]:
    tree = ast.parse((ROOT / path).read_text(encoding="utf-8"))
    return frozenset(node.name for node in tree.body if isinstance(node, ast.FunctionDef))


def test_the_tables_are_read():
    assert len(rows()) > 60 and all(len(row) == 3 for row in rows())


@pytest.mark.parametrize("row", rows(), ids=lambda row: row[0])
def test_every_block_has_its_counterpart(row):
    _, call, tested = row
    named = TEST.findall(tested)
    assert bool(named) != bool(WAITING.fullmatch(tested)), tested
    assert bool(call) == bool(named)
    for path, name in named:
        assert name in names_in(path), f"{path} has no {name}"


def test_every_call_is_one_of_hmlm():
    calls = " ".join(call for _, call, _ in rows())
    owners = {r"\bhm\.(\w+)": hm, r"\bfit\.(\w+)": hm.Fit, r"\bfit\.plot\.(\w+)": Plots}
    for pattern, owner in owners.items():
        names = set(re.findall(pattern, calls)) - {"confint", "aic"}
        assert names and all(hasattr(owner, name) for name in names), (pattern, names)
    assert all(hasattr(hm.MlFit, name) for name in ("confint", "aic"))
