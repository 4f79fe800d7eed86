"""Reading a saved fit: its draws, and its model built again from the statement and the table."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from dataclasses import replace
from os import PathLike
from pathlib import Path

import xarray as xr

from hmlm.formula.design import build_design
from hmlm.results import archive
from hmlm.results.columns import unpack
from hmlm.results.effects import from_dataset
from hmlm.results.fit import Fit
from hmlm.results.matrices import unpack_matrices
from hmlm.results.saving import DATA, EFFECTS, MATRICES
from hmlm.results.statement import Statement
from hmlm.results.stored import Stored
from hmlm.spec.build import build_spec
from hmlm.spec.families import CUSTOM, family_text, find_family
from hmlm.spec.family import Family
from hmlm.spec.levels import with_levels
from hmlm.spec.spec import Spec
from hmlm.types import DataWarning, Design, HmlmError

Groups = dict[str, xr.Dataset]


def load_fit(path: str | PathLike[str], family: Family | None = None) -> Fit:
    """The fit that ``fit.save(path)`` wrote; it prints, summarises and predicts as before.

    A file of format 1 holds no model: its fit has draws and effects, but no ``spec`` and no ``design``.

    Args:
        path: the file.
        family: the custom family of the fit, which the file does not hold.

    Raises:
        HmlmError: the file is missing, damaged or not a fit, or has another family than the one given.
    """
    header, groups = archive.read(Path(path))
    fit = Fit(
        info=header.info,
        posterior=groups["posterior"],
        sample_stats=groups["sample_stats"],
        effects_fn=_effects_fn(Path(path), groups),
        observed=groups["observed_data"],
    )
    return fit if header.statement is None else _with_model(fit, Path(path), header, groups, family)


def _effects_fn(path: Path, groups: Groups) -> Callable[[], dict[str, xr.DataArray]]:
    def effects() -> dict[str, xr.DataArray]:
        if EFFECTS not in groups:
            raise HmlmError(f"'{path}' was saved without group effects: fit.save(path) keeps them")
        return from_dataset(groups[EFFECTS])

    return effects


def _with_model(fit: Fit, path: Path, header: archive.Header, groups: Groups, family: Family | None) -> Fit:
    statement = header.statement
    assert statement is not None
    try:
        spec, design = stored_model(header, statement, family, groups)
    except HmlmError as error:
        raise HmlmError(f"'{path}': its model cannot be built again: {error}") from error
    saved = fit.effects_fn if EFFECTS in groups else None
    stored = Stored(spec, design, statement, fit.posterior, saved)
    unsaved = fit.effects_fn if fit.info.of_prior else stored.drawn_effects
    return replace(
        fit,
        spec=spec,
        design=design,
        statement=statement,
        log_lik_fn=stored.log_lik,
        row_blocks_fn=stored.row_blocks,
        effects_fn=saved or unsaved,
    )


def _family(statement: Statement, given: Family | None) -> Family:
    """The family that was fitted: the one given where it is that, else found by its name."""
    own = find_family(statement.family if given is None else given)
    if family_text(own) != statement.family:
        fitted = statement.family.removeprefix(CUSTOM)
        raise HmlmError(f"it was fitted with the family {fitted!r}, not {own.name!r}")
    return own


def stored_model(
    header: archive.Header, statement: Statement, family: Family | None, groups: Groups
) -> tuple[Spec, Design]:
    """Spec and design of the stored table, which has the complete rows only; what it warned of is known.

    Raises:
        HmlmError: another family than the one given.
    """
    own = _family(statement, family)
    matrices = unpack_matrices(groups[MATRICES]) if MATRICES in groups else None
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DataWarning)
        design = build_design(statement.formula, unpack(groups[DATA], header.columns), matrices)
        design, own = with_levels(design, own)
        spec = build_spec(design, own, statement.priors)
    return spec, replace(design, rows=groups["observed_data"]["row"].values, n_dropped=header.info.n_dropped)
