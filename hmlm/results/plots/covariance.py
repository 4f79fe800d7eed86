"""Covariances that a model implies, at their posterior means."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from hmlm.results.covariances import covariance_draws
from hmlm.results.plots.choose import design_of, factor_of_rows, predictor_index, spec_of
from hmlm.results.plots.parts import prefixed, varying
from hmlm.results.plots.pooling import column_of_term
from hmlm.spec.names import constant_name, cortime_names
from hmlm.spec.spec import COSY
from hmlm.types import HmlmError

if TYPE_CHECKING:
    from hmlm.results.fit import Fit


def effect_covariance(fit: Fit, factor: str, predictor: int, terms: list[str]) -> np.ndarray:
    """(Q, Q) posterior mean of the covariance of a predictor's coefficients between levels."""
    names = [prefixed(spec_of(fit), predictor, term) for term in terms]
    return covariance_draws(fit)[factor].sel(term=names, term2=names).mean(("chain", "draw")).values


def row_covariance(fit: Fit, response: int, rows: np.ndarray) -> np.ndarray:
    """(n, n) covariance of an outcome's rows over new draws of effects on the mean, and of residuals.

    ``sum_f [same level of f] Z_f Sigma_f Z_f' + diag(sigma) R diag(sigma)``, a known covariance of levels in
    place of ``[same level]``; a varying sigma is that of its own level, and R says how residuals of a series
    correlate under ``cosy()`` and ``unstr()``.
    """
    design, spec = design_of(fit), spec_of(fit)
    mean = predictor_index(spec, response, "mu")
    total = _residual_covariance(fit, response, rows)
    for factor, terms in varying(spec, mean).items():
        columns = [column_of_term(design.predictors[mean], factor, term)[rows] for term in terms]
        matrix = np.column_stack(columns)
        total += _shared(fit, factor, rows) * (
            matrix @ effect_covariance(fit, factor, mean, terms) @ matrix.T
        )
    return total


def _residual_covariance(fit: Fit, response: int, rows: np.ndarray) -> np.ndarray:
    """(n, n) posterior mean of ``diag(sigma) R diag(sigma)``."""
    outcome, table = spec_of(fit).outcomes[response], design_of(fit).table.iloc[rows]
    sigma = fit.epred(table, resp=outcome, dpar="sigma").values
    known = design_of(fit).outcomes[response].repeated
    if known is None:
        return np.diag((sigma**2).mean((0, 1)))
    series, place = known.index[rows], known.place[rows]
    own = _correlations(fit)[:, :, place[:, None], place] * (series[:, None] == series)
    return (sigma[..., :, None] * own * sigma[..., None, :]).mean((0, 1))


def _correlations(fit: Fit) -> np.ndarray:
    """(C, D, W, W) draws of the correlation matrix of residuals of a series."""
    spec = spec_of(fit)
    if spec.cortime is None:
        size = int(design_of(fit).outcomes[0].repeated.place.max()) + 1
        rho = fit.posterior[constant_name(spec, 0, COSY)].values[:, :, None, None]
        return rho + (1.0 - rho) * np.eye(size)
    shape = [fit.posterior.sizes[dim] for dim in ("chain", "draw")]
    matrix = np.tile(np.eye(len(spec.times)), (*shape, 1, 1))
    for name, i, j in cortime_names(spec):
        matrix[..., i, j] = matrix[..., j, i] = fit.posterior[name].values
    return matrix


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
