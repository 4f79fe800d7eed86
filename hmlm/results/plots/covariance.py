"""Covariances that a model implies, at their posterior means."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from hmlm.results.covariances import covariance_draws
from hmlm.results.plots.choose import design_of, factor_of_rows, predictor_index, spec_of
from hmlm.results.plots.parts import prefixed, varying
from hmlm.results.plots.pooling import column_of_term
from hmlm.types import HmlmError

if TYPE_CHECKING:
    from hmlm.results.fit import Fit


def effect_covariance(fit: Fit, factor: str, predictor: int, terms: list[str]) -> np.ndarray:
    """(Q, Q) posterior mean of the covariance of a predictor's coefficients between levels."""
    names = [prefixed(spec_of(fit), predictor, term) for term in terms]
    return covariance_draws(fit)[factor].sel(term=names, term2=names).mean(("chain", "draw")).values


def row_covariance(fit: Fit, response: int, rows: np.ndarray) -> np.ndarray:
    """(n, n) covariance of an outcome's rows over new draws of effects on the mean, and of residuals.

    ``sum_f [same level of f] Z_f Sigma_f Z_f' + diag(sigma^2)``, a known covariance of levels in place of
    ``[same level]``; a varying sigma is that of its own level.
    """
    design, spec = design_of(fit), spec_of(fit)
    mean = predictor_index(spec, response, "mu")
    total = np.diag(_residual_variance(fit, response, rows))
    for factor, terms in varying(spec, mean).items():
        columns = [column_of_term(design.predictors[mean], factor, term)[rows] for term in terms]
        matrix = np.column_stack(columns)
        total += _shared(fit, factor, rows) * (
            matrix @ effect_covariance(fit, factor, mean, terms) @ matrix.T
        )
    return total


def _residual_variance(fit: Fit, response: int, rows: np.ndarray) -> np.ndarray:
    """(n,) posterior mean of sigma squared of each row."""
    outcome, table = spec_of(fit).outcomes[response], design_of(fit).table.iloc[rows]
    return (fit.epred(table, resp=outcome, dpar="sigma") ** 2).mean(("chain", "draw")).values


def _shared(fit: Fit, factor: str, rows: np.ndarray) -> np.ndarray:
    """(n, n) covariance of the levels of rows over that of an effect: 1 for the same level, 0 for others."""
    design, own = design_of(fit), factor_of_rows(design_of(fit), factor)
    index, names = own.index[rows], _known_names(fit, factor)
    if not names:
        return index[:, None] == index
    if len(names) > 1 or None in names:
        raise HmlmError(f"the effects of {factor!r} have several covariances of levels; no figure shows that")
    (known,) = (known for known in design.known if known.name in names)
    return known.between(own.levels)[np.ix_(index, index)]


def _known_names(fit: Fit, factor: str) -> set[str | None]:
    """Names of the known covariances of the levels of a factor; empty where they are independent."""
    spec = spec_of(fit)
    own = [block.known for block in spec.blocks if spec.factors[block.factor].name == factor]
    return {known and known.name for known in own} if any(own) else set()
