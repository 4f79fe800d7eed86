"""Maximum-likelihood estimates of lme4 under the labels that our summaries print."""

from __future__ import annotations

import json

import pandas as pd

from .agreement import reference


def maximum_likelihood(name: str) -> pd.Series:
    """Estimates of one fit of ``lme4_ml.json`` with a single grouping factor."""
    fits = json.loads(reference("lme4_ml.json").read_text())["fits"]
    (found,) = [fit for fit in fits if fit["name"] == name]
    estimates = {_label(term): value for term, value in found["fixef"].items()}
    for _, first, second, value in found["varcorr"]:
        estimates[_varcorr_label(first, second)] = value
    return pd.Series(estimates)


def _varcorr_label(first: str | None, second: str | None) -> str:
    if first is None:
        return "sigma"
    return f"cor({_label(first)},{_label(second)})" if second else f"sd({_label(first)})"


def _label(term: str) -> str:
    return term.replace("(Intercept)", "Intercept")
