"""Residual standard deviations where sigma differs by the levels of factors: ``sigma ~ 0 + occas``."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from hmlm.formula.algebra import read_terms
from hmlm.formula.expression import columns_of
from hmlm.results.covariances import sigma_names
from hmlm.results.lookup import values_of
from hmlm.results.prediction.linear import column_coefficients
from hmlm.results.table import estimates
from hmlm.spec.names import intercept_name
from hmlm.types import Design, HmlmError, PredictorDesign

if TYPE_CHECKING:
    from hmlm.results.fit import Fit

LOG = "log"


@dataclass(frozen=True)
class ResidualLevels:
    """Residual standard deviations of one outcome.

    Attributes:
        outcome: its name, ``""`` for a lone outcome.
        levels: L levels; of several factors those that occur together, joined by ``_``.
        sd: (L, C, S) draws.
    """

    outcome: str
    levels: tuple[str, ...]
    sd: np.ndarray


def residual_levels(fit: Fit) -> tuple[ResidualLevels, ...]:
    """Of every outcome whose sigma depends on factors alone; none for a fit without its design."""
    if fit.spec is None or fit.design is None or not fit.spec.family.normal:
        return ()
    found = (_of_predictor(fit, p) for p in range(len(fit.spec.predictors)))
    return tuple(levels for levels in found if levels is not None)


def residual_sd(fit: Fit, prob: float = 0.95) -> pd.DataFrame:
    """Residual standard deviations by the levels of a factor, where ``sigma ~ 0 + occas`` or the like.

    Returns:
        A row per level in the order of the levels (and ``outcome`` for several outcomes): ``level``,
        estimate, error and interval of the standard deviation, and the posterior means ``variance`` and
        ``relative``, the standard deviation divided by that of the first level (nlme's ``varIdent``).

    Raises:
        HmlmError: sigma depends on numbers or varies between groups.
    """
    parts = {part.outcome: part for part in residual_levels(fit)}
    frames = []
    for outcome, name in sigma_names(fit).items():
        if outcome not in parts and name not in fit.posterior:
            raise HmlmError(_no_levels(outcome))
        constant = name in fit.posterior
        part = _constant(fit, outcome, name) if constant else parts[outcome]
        frames.append(_frame(part, prob))
    table = pd.concat(frames, ignore_index=True)
    return table if len(frames) > 1 else table.drop(columns="outcome")


def _constant(fit: Fit, outcome: str, name: str) -> ResidualLevels:
    return ResidualLevels(outcome, ("",), values_of(fit.posterior[name])[None])


def _no_levels(outcome: str) -> str:
    of = f" of {outcome}" if outcome else ""
    return (
        f"sigma{of} depends on numbers or varies between groups, or the fit was read from a file without its "
        'data: there is no one standard deviation per level; epred(dpar="sigma", newdata=...) gives that of '
        "each row"
    )


def _frame(part: ResidualLevels, prob: float) -> pd.DataFrame:
    return pd.DataFrame(
        {
            "outcome": part.outcome,
            "level": list(part.levels),
            **estimates(part.sd, prob),
            "variance": (part.sd**2).mean((1, 2)),
            "relative": (part.sd / part.sd[:1]).mean((1, 2)),
        }
    )


def _of_predictor(fit: Fit, p: int) -> ResidualLevels | None:
    spec, design = fit.spec, fit.design
    predictor, part = spec.predictors[p], design.predictors[p]
    if predictor.dpar != "sigma" or spec.family.link("sigma") != LOG or not _is_by_level(part):
        return None
    first, labels = _first_rows(design, part)
    if labels is None:
        return None
    eta = np.zeros((len(first), fit.posterior.sizes["chain"], fit.posterior.sizes["draw"]))
    if predictor.intercept is not None:
        eta = eta + values_of(fit.posterior[intercept_name(spec, p)])
    coefficients = column_coefficients(spec, p, fit.posterior)
    for draws, column in zip(coefficients, part.population.matrix[first].T, strict=True):
        eta = eta + column[:, None, None] * values_of(draws)
    outcome = spec.outcomes[predictor.response] if spec.multivariate else ""
    return ResidualLevels(outcome, labels, np.exp(eta))


def _is_by_level(part: PredictorDesign) -> bool:
    """Whether all columns are indicators and nothing else enters."""
    matrix = part.population.matrix
    return (
        matrix.shape[1] > 0
        and not part.groups
        and part.offset is None
        and bool(np.isin(matrix, (0, 1)).all())
    )


def _first_rows(design: Design, part: PredictorDesign) -> tuple[np.ndarray, tuple[str, ...] | None]:
    """(L,) a row of every combination of levels and their names, None where the table is not known."""
    columns = _columns(design, part)
    if design.table is None or not columns:
        return np.zeros(0, int), None
    groups = design.table.groupby(columns, sort=True, observed=True)
    first = groups.head(1).sort_values(columns)
    labels = ("_".join(map(str, row)) for row in first[columns].itertuples(index=False))
    return first.index.to_numpy(), tuple(labels)


def _columns(design: Design, part: PredictorDesign) -> list[str]:
    """Columns that the predictor's formula names."""
    index = [outcome.name for outcome in design.outcomes].index(part.response)
    formula = dict(design.formula.outcomes[index].predictors)[part.dpar]
    atoms = read_terms(formula.population).atoms
    named = dict.fromkeys(column for atom in atoms for column in columns_of(atom))
    named |= dict.fromkeys(formula.monotonic)
    return [column for column in named if design.table is not None and column in design.table]
