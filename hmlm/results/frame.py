"""Tables of any library as pandas."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pandas as pd

from hmlm.types import DataError


def as_frame(data: Any) -> pd.DataFrame:
    """``data`` as a DataFrame with rows numbered from 0.

    Args:
        data: a DataFrame or Series of pandas, a mapping of columns, or a table that narwhals knows (polars,
            PyArrow).

    Raises:
        DataError: something else.
    """
    match data:
        case pd.DataFrame():
            return data.reset_index(drop=True)
        case pd.Series():
            return data.reset_index(drop=True).to_frame(data.name or "value")
        case Mapping():
            return pd.DataFrame(dict(data))
    return pd.DataFrame(_columns(data))


def _columns(data: Any) -> dict[str, Any]:
    import narwhals  # formulaic brings it

    try:
        table = narwhals.from_native(data, eager_only=True)
    except TypeError as error:
        raise DataError(f"data must be a table or a mapping of columns, not {type(data).__name__}") from error
    return {name: table[name].to_numpy() for name in table.columns}
