"""``hmlm summary``: print a saved fit."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pandas as pd


def summary(fit: Path, *, prob: float = 0.95, effects: bool = False) -> int:
    """Print a saved fit.

    Args:
        fit: netCDF file that ``hmlm fit`` wrote.
        prob: probability of the intervals; other than 0.95, the table comes alone.
        effects: also print the group-level effects.
    """
    import hmlm as hm
    from hmlm.results.printout import format_table

    fitted = hm.load_fit(fit)
    print(fitted if prob == 0.95 else format_table(fitted.summary(prob=prob)))
    if effects:
        _print_effects(fitted.ranef(prob=prob))
    return 0


def _print_effects(tables: Mapping[str, pd.DataFrame]) -> None:
    from hmlm.results.printout import format_table

    for factor, table in tables.items():
        print(f"\n~{factor}")
        print(
            format_table(
                table.set_index(table["level"] + "," + table["term"]).drop(columns=["level", "term"])
            )
        )
