"""Models of the same outcomes side by side, by how well they predict what they have not seen.

References:
    Vehtari, Gelman & Gabry (2017), doi:10.1007/s11222-016-9696-4
    Sivula, Magnusson, Matamoros & Vehtari (2020), arXiv:2008.10296: when to trust the standard error
"""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd

from hmlm.results.elpd import ROW, Elpd, paragraph, standard_error
from hmlm.results.fit import Fit
from hmlm.results.loo import loo
from hmlm.results.stacking import stacking_weights
from hmlm.types import ComparisonWarning, HmlmError

SMALL = 4.0
FEW = 100


@dataclass(frozen=True, eq=False, repr=False)
class Comparison:
    """A table of models, best first, and what to keep in mind when reading it.

    Attributes:
        table: a row per model: ``elpd_diff`` to the best, its standard error ``se_diff``, stacking
            ``weight``, ``elpd``, ``se``, ``p``, ``ic`` and ``bad_k``, the number of k-hat that are too high.
        notes: remarks.
        title: what is compared.
    """

    table: pd.DataFrame
    notes: tuple[str, ...]
    title: str

    def __repr__(self) -> str:
        digits = {"weight": "{:.2f}".format, "bad_k": "{:.0f}".format}
        table = self.table.to_string(float_format=lambda value: f"{value:.1f}", formatters=digits)
        return "\n\n".join([self.title, table, *(paragraph(f"Note: {note}") for note in self.notes)])


def compare(fits: Mapping[str, Fit | Elpd], group: str | None = None, *, samples: int = 50) -> Comparison:
    """Rank models by leave-one-out, or by leaving out whole groups, as R's ``loo_compare``.

    ``elpd_diff = sum_i (elpd_i - elpd_i of the best)``, ``se_diff = sqrt(n var_i)``: differences are taken
    unit by unit, so that ``se_diff`` is mostly much smaller than either ``se``.

    Args:
        fits: two or more by name; or what their ``loo``, ``waic`` or ``kfold`` returned.
        group: a grouping factor whose levels are left out whole; None leaves out rows.
        samples: of :meth:`Fit.log_lik`, where effects on a scale are integrated out.

    Raises:
        HmlmError: fewer than two, other outcomes or rows, or estimates of different kinds.
    """
    _check_mapping(fits)
    found = {name: _elpd(name, fit, group, samples) for name, fit in fits.items()}
    (first, reference), *others = found.items()
    for name, other in others:
        _check_pair(first, reference, name, other)
    ordered = sorted(found.items(), key=lambda pair: -pair[1].elpd)
    table = _table(dict(ordered))
    notes = (*_bad(dict(ordered)), *_notes(table, len(reference.elpd_i), _units(reference)))
    return Comparison(
        table, notes, f"{reference.method}, {len(reference.elpd_i)} {_units(reference)} left out"
    )


def _elpd(name: str, fit: Fit | Elpd, group: str | None, samples: int) -> Elpd:
    if isinstance(fit, Elpd):
        return fit
    if not isinstance(fit, Fit):
        raise HmlmError(
            f"compare: {name!r} is a {type(fit).__name__}; give fits of NUTS, or what their loo(), waic() or "
            "kfold() returned (likelihood fits compare by hm.anova)"
        )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ComparisonWarning)
        return loo(fit, group, samples=samples)


def _table(found: Mapping[str, Elpd]) -> pd.DataFrame:
    elpd_i = np.stack([elpd.elpd_i for elpd in found.values()], axis=1)
    differences = (elpd_i - elpd_i[:, :1]).T
    columns = {
        "elpd_diff": [d.sum() for d in differences],
        "se_diff": [standard_error(d) for d in differences],
        "weight": stacking_weights(elpd_i),
        "elpd": [elpd.elpd for elpd in found.values()],
        "se": [elpd.se for elpd in found.values()],
        "p": [elpd.p for elpd in found.values()],
        "ic": [elpd.ic for elpd in found.values()],
        "bad_k": [int(elpd.bad.sum()) for elpd in found.values()],
    }
    return pd.DataFrame(columns, index=pd.Index(list(found), dtype=object))


def _bad(found: Mapping[str, Elpd]) -> list[str]:
    """Remarks on models whose estimates failed, each a warning too."""
    remarks = [f"{name!r}: {remark}" for name, elpd in found.items() for remark in _failures(elpd)]
    for remark in remarks:
        warnings.warn(remark, ComparisonWarning, stacklevel=3)
    return remarks


def _failures(elpd: Elpd) -> tuple[str, ...]:
    if not elpd.bad.any():
        return elpd.problems
    group = "" if elpd.unit == ROW else f"group={elpd.unit!r}"
    share = f"{elpd.bad.sum()} of {len(elpd.bad)} {_units(elpd)}"
    return (
        f"k-hat is above {elpd.good_k:.2f} for {share}, so that its elpd is too high as a rule; "
        f"print(fit.loo({group})) says which they are and what to try.",
    )


def _notes(table: pd.DataFrame, n_units: int, units: str) -> list[str]:
    best, second = table.index[:2]
    gap, error = -table["elpd_diff"].iloc[1], table["se_diff"].iloc[1]
    out = []
    if gap < SMALL:
        out.append(
            f"{best!r} and {second!r} differ by less than {SMALL:.0f}: they predict about equally well, and "
            "se_diff says little about so small a difference."
        )
    elif gap < 2 * error:
        out.append(
            f"{best!r} and {second!r} differ by less than two se_diff: the data do not tell them apart."
        )
    if n_units < FEW:
        out.append(f"With {n_units} {units} se_diff is itself uncertain and mostly too small.")
    return out


def _units(elpd: Elpd) -> str:
    return "rows" if elpd.unit == ROW else f"levels of {elpd.unit}"


# --- what can be compared -------------------------------------------------------------------------


def _check_mapping(fits: object) -> None:
    if not isinstance(fits, Mapping):
        raise HmlmError('compare: give fits by name, hm.compare({"a": fit_a, "b": fit_b})')
    if len(fits) < 2:
        raise HmlmError('compare: give two or more fits, hm.compare({"a": fit_a, "b": fit_b})')


def _check_pair(first: str, reference: Elpd, name: str, other: Elpd) -> None:
    pair = f"compare: {first!r} and {name!r}"
    if reference.method != other.method or reference.unit != other.unit:
        kinds = f"{reference.method} of {_units(reference)} and {other.method} of {_units(other)}"
        raise HmlmError(f"{pair} are {kinds}, which do not compare; use one method for both")
    if set(reference.observed) != set(other.observed):
        outcomes = " and ".join(", ".join(map(str, elpd.observed)) for elpd in (reference, other))
        raise HmlmError(f"{pair} have different outcomes, {outcomes}: their densities do not compare")
    _check_rows(pair, reference, other)
    if reference.labels != other.labels:
        raise HmlmError(
            f"{pair} have different levels of {reference.unit!r}; take the factor from one column"
        )


def _check_rows(pair: str, reference: Elpd, other: Elpd) -> None:
    rows, others = (set(elpd.observed["row"].values.tolist()) for elpd in (reference, other))
    if rows != others:
        raise HmlmError(
            f"{pair} were fitted to {len(rows)} and {len(others)} rows, {len(rows ^ others)} of them in one "
            "model only; rows with missing values in a column that only one model uses are left out there: "
            "fit both to the rows that are complete in all columns"
        )
    for outcome in reference.observed:
        if not np.array_equal(reference.observed[outcome].values, other.observed[outcome].values):
            raise HmlmError(
                f"{pair} have other values of the outcome {outcome!r}: densities of transformed or otherwise "
                "changed outcomes do not compare"
            )
