"""Tables of the data: columns of numbers, categories and grouping factors."""

from __future__ import annotations

import math
from collections.abc import Iterator

import numpy as np
import pandas as pd

from hmlm.results.precis import precis
from hmlm.results.report.grid import GROUP, NAME, Table, aligned, set_table
from hmlm.results.report.words import categories, count, grouping_columns
from hmlm.types import Design


def data_tables(design: Design) -> tuple[Table, ...]:
    """What the model was fitted to."""
    found = (_numbers(design), _categories(design), _factors(design))
    return tuple(table for table in found if table is not None)


def _numbers(design: Design) -> Table | None:
    """Outcomes and predictors as ``hm.precis`` has them."""
    if design.table is None:
        return None
    outcomes = [outcome.column for outcome in design.outcomes]
    left_out = {*categories(design), *(grouping_columns(design) - set(outcomes))}
    outcomes = [name for name in outcomes if name not in categories(design)]
    names = [*outcomes, *(n for n in design.table.columns if n not in left_out and n not in outcomes)]
    frame = precis(design.table[names])
    decimals = [_places(sd) for sd in frame["sd"]]
    numbers = {str(name): aligned(frame[name], decimals) for name in frame.columns[:-1]}
    kinds = ["Outcome" if name in outcomes else "Predictor" for name in names]
    cells = pd.DataFrame({**numbers, "histogram": list(frame["histogram"])})
    low, high = list(numbers)[2:]
    headings = {"mean": "Mean", "sd": "SD", "histogram": "Histogram"}
    html = set_table(
        cells.assign(**{GROUP: kinds, NAME: names}), headings, ("Quantiles", [low, high]), ["histogram"]
    )
    return Table("Outcomes and predictors in the rows used", html)


def _places(sd: float) -> int:
    """Decimals that leave three digits of a standard deviation, two at least."""
    return 2 - math.floor(math.log10(sd)) if 0 < sd < 1 else 2


def _categories(design: Design) -> Table | None:
    rows = list(_category_rows(design))
    return Table("Categories", set_table(pd.DataFrame(rows))) if rows else None


def _category_rows(design: Design) -> Iterator[dict[str, str]]:
    for column, levels in categories(design).items():
        assert design.table is not None  # categories has none without a table
        counts = design.table[column].astype(str).value_counts()
        for level in levels:
            n = int(counts.get(level, 0))
            share = f"{100 * n / design.n_rows:.1f}%"
            yield {GROUP: column, NAME: level, "Rows": count(n), "Share": share}


def _factors(design: Design) -> Table | None:
    if not design.factors:
        return None
    columns = ("Levels", "Fewest", "Median", "Most")
    rows = []
    for factor in design.factors:
        index = factor.index if factor.members is None else factor.members.index.ravel()
        sizes = np.bincount(index, minlength=len(factor.levels))
        values = (len(sizes), sizes.min(), np.median(sizes), sizes.max())
        texts = (count(int(value)) if value == int(value) else f"{value:.1f}" for value in values)
        rows.append({NAME: factor.name, **dict(zip(columns, texts, strict=True))})
    html = set_table(pd.DataFrame(rows), None, ("Rows per level", columns[1:]))
    return Table("Grouping factors", html)
