"""Values of an outcome's addition terms for every row, and what they cannot be."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np
import pandas as pd

from hmlm.formula.additions import Addition, additions_of
from hmlm.formula.censoring import INTERVAL, build_censoring
from hmlm.formula.row_values import Quantity, build_quantity, divided, of_constant
from hmlm.types import DataError, Outcome, OutcomeFormula

Values = dict[str, np.ndarray]


def build_quantities(formula: OutcomeFormula, table: pd.DataFrame, where: str) -> dict[str, Quantity]:
    """Every addition of an outcome on N complete rows, under the names of :attr:`Outcome.additions`.

    Raises:
        DataError: columns of the wrong type, or values that a term cannot have.
    """
    found: dict[str, Quantity] = {}
    for term in additions_of(formula):
        found |= _BUILD[term.name](term, table, where)
    check_values({name: quantity.values for name, quantity in found.items()}, where)
    return {name: quantity for name, quantity in found.items() if np.isfinite(quantity.values).any()}


def rebuild_additions(outcome: Outcome, table: pd.DataFrame, names: tuple[str, ...] | None = None) -> Values:
    """Additions of new rows, ``{"trials": (N',)}``.

    Args:
        outcome: of the design.
        table: new complete rows; only the columns of the additions named are needed.
        names: keys of :attr:`Outcome.additions`, None for all; those that the outcome lacks are left out.

    Raises:
        DataError: missing columns or values, or values that a term cannot have.
    """
    return {} if outcome.rebuild is None else outcome.rebuild(table, names)


def rebuild_quantities(
    quantities: Mapping[str, Quantity], where: str, table: pd.DataFrame, names: tuple[str, ...] | None
) -> Values:
    """What :attr:`Outcome.rebuild` is, after the first two arguments."""
    values = {
        name: quantity.rebuild(table)
        for name, quantity in quantities.items()
        if names is None or name in names
    }
    check_values(values, where)
    return values


def check_values(values: Mapping[str, np.ndarray], where: str) -> None:
    """Refuse what a term cannot be in any row, whatever the outcome.

    Raises:
        DataError: naming the term, the count and a value.
    """
    for name, (allowed, rule) in _RULES.items():
        if name in values:
            _check_rows(~allowed(values[name]), values[name], f"`{where}`: {rule}")
    if "se" in values and "se_sigma" in values:
        bad = (values["se"] == 0) & (values["se_sigma"] == 0)
        _check_rows(bad, values["se"], f"`{where}`: se must be positive unless sigma = TRUE")
    if "trunc_lower" in values and "trunc_upper" in values:
        bad = values["trunc_lower"] >= values["trunc_upper"]
        _check_rows(bad, values["trunc_lower"], f"`{where}`: in trunc, lb must be less than ub")


def check_against(outcome: np.ndarray, values: Mapping[str, np.ndarray], column: str, where: str) -> None:
    """Refuse additions that contradict the outcome's values.

    Raises:
        DataError: more successes than trials, values outside of the bounds, an interval that ends before it
            starts.
    """
    start = f"`{where}`: outcome '{column}'"
    if "trials" in values:
        _check_rows(outcome > values["trials"], outcome, f"{start} must not exceed its number of trials")
    if "trunc_lower" in values:
        bad = outcome < values["trunc_lower"]
        _check_rows(bad, outcome, f"{start} must not be below the lower bound of trunc")
    if "trunc_upper" in values:
        bad = outcome > values["trunc_upper"]
        _check_rows(bad, outcome, f"{start} must not be above the upper bound of trunc")
    if "cens_upper" in values:
        bad = (values["cens"] == INTERVAL) & (values["cens_upper"] <= outcome)
        _check_rows(bad, outcome, f"{start} must be less than y2 of cens where it is an interval")


def with_safe_limits(outcome: np.ndarray, values: Values) -> Values:
    """``cens_upper`` one above the outcome in rows without an interval, so that its probability is positive.

    A density that computes all kinds of censoring and picks one then has finite gradients in every row.
    """
    if "cens_upper" not in values:
        return values
    upper = np.where(values["cens"] == INTERVAL, values["cens_upper"], outcome + 1)
    return {**values, "cens_upper": upper}


def _check_rows(bad: np.ndarray, values: np.ndarray, rule: str) -> None:
    n_bad = int(bad.sum())
    if n_bad:
        few = ", ".join(f"{value:g}" for value in np.unique(values[bad])[:3])
        raise DataError(f"{rule}; it is not in {n_bad} row{'s' * (n_bad > 1)}, with values such as {few}")


def _build_trials(term: Addition, table: pd.DataFrame, where: str) -> dict[str, Quantity]:
    return {"trials": build_quantity(term.quantities["x"], table, where)}


def _build_weights(term: Addition, table: pd.DataFrame, where: str) -> dict[str, Quantity]:
    weights = build_quantity(term.quantities["x"], table, where)
    mean = float(weights.values.mean())
    return {"weights": divided(weights, mean) if term.flags["scale"] and mean > 0 else weights}


def _build_se(term: Addition, table: pd.DataFrame, where: str) -> dict[str, Quantity]:
    estimated = of_constant(float(term.flags["sigma"]), len(table))
    return {"se": build_quantity(term.quantities["x"], table, where), "se_sigma": estimated}


def _build_cens(term: Addition, table: pd.DataFrame, where: str) -> dict[str, Quantity]:
    codes = build_censoring(term.quantities["x"], table, where)
    if "y2" in term.quantities:
        return {"cens": codes, "cens_upper": build_quantity(term.quantities["y2"], table, where)}
    bad = codes.values == INTERVAL
    _check_rows(bad, codes.values, f"`{where}`: intervals need their ends, cens({term.quantities['x']}, y2)")
    return {"cens": codes}


def _build_trunc(term: Addition, table: pd.DataFrame, where: str) -> dict[str, Quantity]:
    names = {"lb": "trunc_lower", "ub": "trunc_upper"}
    return {names[bound]: build_quantity(node, table, where) for bound, node in term.quantities.items()}


def _build_rate(term: Addition, table: pd.DataFrame, where: str) -> dict[str, Quantity]:
    return {"rate": build_quantity(term.quantities["denom"], table, where)}


def _is_whole(values: np.ndarray) -> np.ndarray:
    return np.isfinite(values) & (values >= 0) & (values == np.round(values))


def _is_finite_from_zero(values: np.ndarray) -> np.ndarray:
    return np.isfinite(values) & (values >= 0)


def _is_positive(values: np.ndarray) -> np.ndarray:
    return np.isfinite(values) & (values > 0)


_RULES: dict[str, tuple[Callable[[np.ndarray], np.ndarray], str]] = {
    "trials": (_is_whole, "trials must be a whole number, 0 or more"),
    "weights": (_is_finite_from_zero, "weights must be 0 or more"),
    "se": (_is_finite_from_zero, "se must be 0 or more"),
    "rate": (_is_positive, "the denominator of rate must be positive"),
}
_BUILD: dict[str, Callable[[Addition, pd.DataFrame, str], dict[str, Quantity]]] = {
    "trials": _build_trials,
    "weights": _build_weights,
    "se": _build_se,
    "cens": _build_cens,
    "trunc": _build_trunc,
    "rate": _build_rate,
}
