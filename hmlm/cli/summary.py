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

    fitted = hm.load_fit(fit)
    print(fitted if prob == 0.95 else fitted.summary(prob=prob, digits=2).to_string())
    if effects:
        _print_effects(fitted.ranef(prob=prob))
    return 0


def _print_effects(tables: Mapping[str, pd.DataFrame]) -> None:
    for factor, table in tables.items():
        print(f"\n~{factor}")
        print(table.to_string(index=False, float_format="%.2f"))
