"""Fitting a fit's model again with changes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from hmlm.formula.update import update_formula
from hmlm.results.statement import settings_given
from hmlm.types import Design, HmlmError

if TYPE_CHECKING:
    from hmlm.results.fit import Fit

OF_THE_MODEL = ("family", "density", "kernels", "data_name")
DATA2 = "data2"


@dataclass(frozen=True)
class Changes:
    """A fit's statement after changes: arguments of :func:`hmlm.model` without the table, and of the run."""

    model: dict[str, Any]
    run: dict[str, Any]


def update(fit: Fit, formula: Any = None, data: Any = None, prior: Any = None, **settings: Any) -> Fit:
    """Fit again with a changed formula, other data, priors or settings; the rest stays as it was.

    Args:
        formula: a change in R's notation, ``". ~ . + x"``, ``". ~ . - x"``, ``"sigma ~ . + x"`` (several
            in a list), or a whole formula as :func:`hmlm.model` takes it.
        data: another table. None takes the fit's own, which has only the columns that it used, and of
            these the rows that were complete.
        prior: priors in place of those stated before; None keeps them.
        settings: of the run or the model by the names of :func:`hmlm.fit`: ``draws=4000``, ``seed=2``.

    Raises:
        HmlmError: the fit does not know its model, or an argument is wrong; the message says how.
    """
    if fit.refit_fn is None or fit.statement is None:
        raise HmlmError("this fit does not know its model: state it again with hmlm.model(...) and fit that")
    if data is None and (fit.design is None or fit.design.table is None):
        raise HmlmError("this fit does not hold its table: pass data=")
    return fit.refit_fn(fit, formula, data, prior, settings)


def changes_of(fit: Fit, formula: Any, data: Any, prior: Any, settings: Mapping[str, Any]) -> Changes:
    """What :meth:`Fit.update` was told, the rest as the fit states it; other data lose the table's name."""
    stated = fit.statement
    assert stated is not None
    as_before = {name: getattr(stated, name) for name in OF_THE_MODEL}
    matrices = {} if fit.design is None else {known.name: known for known in fit.design.known}
    if fit.spec is not None:
        as_before["family"] = fit.spec.family
    if data is not None:
        del as_before["data_name"]
    return Changes(
        model={
            **as_before,
            **{name: value for name, value in settings.items() if name in OF_THE_MODEL},
            DATA2: matrices | dict(settings.get(DATA2) or {}),
            "formula": stated.formula if formula is None else update_formula(stated.formula, formula),
            "prior": stated.priors if prior is None else prior,
        },
        run={
            **settings_given(stated.settings),
            **{name: value for name, value in settings.items() if name not in (*OF_THE_MODEL, DATA2)},
        },
    )


def in_rows_of(new: Design, old: Design) -> Design:
    """A design of the table that ``old`` keeps, its rows counted in the table that ``old`` was made from."""
    return replace(new, rows=old.rows[new.rows], n_dropped=old.n_dropped + new.n_dropped)
