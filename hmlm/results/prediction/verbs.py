"""``fit.epred()`` and its kin: what a fit predicts, whole or chunk by chunk."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import xarray as xr

from hmlm.results.prediction.predict import (
    EPRED,
    KINDS,
    LINPRED,
    PREDICT,
    SPREAD,
    make_prediction,
    make_request,
)
from hmlm.results.prediction.prediction import Prediction
from hmlm.spec.hint import did_you_mean, listed
from hmlm.types import HmlmError

if TYPE_CHECKING:
    from hmlm.results.fit import Fit

Predicted = xr.DataArray | pd.DataFrame
RESIDUALS = ORDINARY, PEARSON = "ordinary", "pearson"


def linpred(
    fit: Fit, newdata: Any = None, *, summary: bool = False, prob: float = 0.95, **options: Any
) -> Predicted:
    """Linear predictor of each row in each draw, on the scale of the link; see :func:`epred`."""
    return _predicted(fit, LINPRED, newdata, summary, prob, options)


def epred(
    fit: Fit, newdata: Any = None, *, summary: bool = False, prob: float = 0.95, **options: Any
) -> Predicted:
    """Expected outcome of each row in each draw.

    Args:
        newdata: a table with the columns that the formula needs; None takes the rows of the fit.
        summary: True gives a table of mean, standard deviation and interval, made chunk by chunk, so that
            16 000 draws of 13 000 rows never are in memory together.
        prob: probability of the interval.
        options: ``re_formula``: which group effects count: None all, ``"NA"`` none (an average level),
            ``"~ (1 | id)"`` those. ``allow_new_levels``: whether ``newdata`` may have levels that the
            model has not seen. ``sample_new_levels``: their effects, ``"uncertainty"`` (in each
            draw those of a known level), ``"gaussian"`` (from their distribution) or ``"old_levels"``
            (those of one known level), scaled where standard deviations depend on covariates of levels
            (``bf(..., sd=...)``), which ``newdata`` then has for new levels. ``dpar``: another parameter,
            ``"sigma"``, or ``"rescor"``, the correlation in each row where it has a formula. ``resp``: one
            outcome. ``trials``, ``rate``: one number for all rows instead of the formula's. ``ndraws``: that
            many draws, chosen at random. ``seed``: of all that is random
            here; the fit's by default.

    Returns:
        Array with dims ``(chain, draw, row)``, with ``ndraws`` ``(sample, row)``, and ``resp`` for
        several outcomes; or the table. Of families of levels (cumulative, categorical) the probabilities,
        with a dimension ``category``.

    Raises:
        HmlmError: missing columns or levels, an unknown option; the message says what is allowed.
    """
    return _predicted(fit, EPRED, newdata, summary, prob, options)


def predict(
    fit: Fit, newdata: Any = None, *, summary: bool = False, prob: float = 0.95, **options: Any
) -> Predicted:
    """New outcomes of each row in each draw, residuals included; see :func:`epred`.

    Of families of levels these are codes from 0; the attribute ``levels`` of the array says what of.
    """
    if "dpar" in options:
        raise HmlmError("predict makes outcomes; for a parameter call epred(dpar=...) or linpred(dpar=...)")
    return _predicted(fit, PREDICT, newdata, summary, prob, options)


def residuals(
    fit: Fit, *, type: str = ORDINARY, summary: bool = False, prob: float = 0.95, **options: Any
) -> Predicted:
    """Outcomes minus expected values of the rows of the fit.

    Args:
        type: ``"ordinary"``, or ``"pearson"``: divided by the standard deviation that the model gives the
            outcome in that row and draw, as its family has it.
        summary: as in :func:`epred`.
        prob: as in :func:`epred`.
        options: as in :func:`epred`.

    Raises:
        HmlmError: an unknown type or option.
    """
    if type not in RESIDUALS:
        raise HmlmError(
            f"type={type!r}: choose one of {listed(RESIDUALS)}{did_you_mean(str(type), RESIDUALS)}"
        )
    found = prediction(fit, EPRED, **options)
    found.require_numbers("a residual")
    observed = np.stack([fit.observed[name].values for name in found.outcomes])
    found = replace(found, name="residuals", residual_of=observed)
    if type == PEARSON:
        found = replace(found, scale=_predicting(fit, SPREAD, None, options).evaluate)
    return _read(found, summary, prob)


def prediction(fit: Fit, kind: str, newdata: Any = None, **options: Any) -> Prediction:
    """A prediction to be taken chunk by chunk: ``for rows, values in fit.prediction("epred").chunks():``.

    Args:
        kind: ``"linpred"``, ``"epred"`` or ``"predict"``.
        newdata: as in :func:`epred`.
        options: as in :func:`epred`.
    """
    if kind not in KINDS:
        raise HmlmError(f"kind={kind!r}: choose one of {listed(KINDS)}{did_you_mean(str(kind), KINDS)}")
    return _predicting(fit, kind, newdata, options)


def _predicting(fit: Fit, kind: str, newdata: Any, options: Mapping[str, Any]) -> Prediction:
    if fit.spec is None or fit.design is None:
        raise HmlmError("this fit was read from a file that does not hold its model: fit it anew to predict")
    request = make_request(newdata, {"seed": fit.info.seed, **options})
    return make_prediction(kind, fit.spec, fit.design, fit.posterior, lambda: fit.effects, request)


def _predicted(
    fit: Fit, kind: str, newdata: Any, summary: bool, prob: float, options: Mapping[str, Any]
) -> Predicted:
    return _read(prediction(fit, kind, newdata, **options), summary, prob)


def _read(found: Prediction, summary: bool, prob: float) -> Predicted:
    return found.summary(prob) if summary else found.array()
