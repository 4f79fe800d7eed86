"""Names of coefficients and outcomes, as brms derives them from R's."""

from __future__ import annotations

import re
from collections import Counter

from hmlm.types import DataError, FormulaError

_COEFFICIENT = str.maketrans(
    {
        **dict.fromkeys(" ()[],\"'?`\\", ""),
        "+": "P",
        "-": "M",
        "*": "MU",
        "/": "D",
        "^": "E",
        "=": "EQ",
        "$": "USD",
    }
)


def coefficient_name(text: str) -> str:
    """brms's name of R's coefficient: ``"I(x^2)"`` is ``IxE2``, ``"factor(year)2"`` is ``factoryear2``."""
    return text.translate(_COEFFICIENT)


def outcome_name(column: str) -> str:
    """Name of an outcome in parameters: letters and digits only, ``NA.std`` is ``NAstd``.

    Raises:
        FormulaError: if nothing is left.
    """
    name = re.sub(r"[\W_]", "", column)
    if not name:
        raise FormulaError(
            f"outcome {column!r} has neither letters nor digits to name its parameters by; rename it"
        )
    return name


def check_distinct(names: tuple[str, ...], text: str) -> None:
    """Refuse two coefficients of one name.

    Raises:
        DataError: naming them and the predictor ``text``.
    """
    twice = [name for name, n in Counter(names).items() if n > 1]
    if twice:
        raise DataError(
            f"`{text}`: several coefficients would be named {', '.join(map(repr, twice))}, since names lose "
            "spaces, brackets and quotes; rename the columns or levels that differ in those only"
        )
