"""Tables as HTML: great_tables makes their structure, the page's own style sheet what they look like."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

import pandas as pd

from hmlm.results.printout import at_the_point, decimals_of, number_text
from hmlm.results.report.extra import needed
from hmlm.results.table import ESS_COLUMNS, interval_limits

GROUP, NAME = "row_group", "row_name"
MINUS, DIGIT_WIDE, NOTHING = "\u2212", "\u2007", "–"
HEADINGS = {"Est.Error": "Error", "Rhat": "R-hat", "Bulk_ESS": "Bulk ESS", "Tail_ESS": "Tail ESS"}
IDS = re.compile(r' (?:id|headers|data-quarto-[a-z-]+)="[^"]*"')


class Table(NamedTuple):
    """A table with its caption; ``html`` is a ``<table>`` element."""

    caption: str
    html: str


def set_table(
    cells: pd.DataFrame,
    headings: Mapping[str, str] | None = None,
    spanner: tuple[str, Sequence[str]] | None = None,
    left: Iterable[str] = (),
) -> str:
    """A ``<table>`` of text.

    Args:
        cells: text; the column :data:`NAME` names the rows, :data:`GROUP` where it is there puts headings
            over them.
        headings: of columns that are called something else.
        spanner: a heading over several columns.
        left: columns of prose, set at the left.
    """
    great_tables, prose = needed("great_tables"), set(left)
    grouped = {"groupname_col": GROUP} if GROUP in cells else {}
    called = {column: heading for column, heading in (headings or {}).items() if column in cells}
    made = great_tables.GT(cells.astype(str), rowname_col=NAME, **grouped).cols_label(called)
    columns = [str(column) for column in cells if column not in (GROUP, NAME)]
    made = made.cols_align("right", [column for column in columns if column not in prose])
    made = made.cols_align("left", sorted(prose)) if prose else made
    if spanner is not None:
        made = made.tab_spanner(spanner[0], list(spanner[1]))
    return _element(made.as_raw_html())


def _element(html: str) -> str:
    """The table alone: its ids are not unique in a page with other tables, and scopes say the same."""
    found = re.search(r"<table.*</table>", html, re.DOTALL)
    assert found is not None
    return IDS.sub("", found[0])


def estimates_table(frame: pd.DataFrame, names: Sequence[str], groups: Sequence[str] | None = None) -> str:
    """Estimates with their intervals, as ``fit.summary()`` has them.

    Args:
        frame: the numbers, with the summary's columns.
        names: what each row is called.
        groups: headings over consecutive rows that share one.
    """
    low, high = map(str, interval_limits(frame))
    decimals = [decimals_of(error) for error in frame["Est.Error"]]
    cells = pd.DataFrame({str(c): aligned(frame[c], _places(str(c), decimals)) for c in frame}).assign(
        **{NAME: list(names)}
    )
    if groups is not None:
        cells = cells.assign(**{GROUP: list(groups)})
    percent = low.removeprefix("l-").removesuffix(" CI")
    return set_table(cells, {**HEADINGS, low: "lower", high: "upper"}, (f"{percent} interval", [low, high]))


def _places(column: str, decimals: list[int]) -> list[int]:
    """Decimals of a column's cells, as ``print(fit)`` has them."""
    if column in ESS_COLUMNS:
        return [0] * len(decimals)
    return [2] * len(decimals) if column == "Rhat" else decimals


def aligned(values: Iterable[float], decimals: Sequence[int]) -> list[str]:
    """Numbers as text, their points under each other when set at the right."""
    texts = [number_text(value, places) for value, places in zip(values, decimals, strict=True)]
    padded = at_the_point(texts, DIGIT_WIDE)
    return [text.replace("-", MINUS).replace("NA", NOTHING) for text in padded]
