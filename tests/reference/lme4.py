"""Maximum-likelihood estimates of lme4 under the labels that our summaries print."""

from __future__ import annotations

import json

import pandas as pd

from .agreement import reference


def maximum_likelihood(name: str) -> pd.Series:
    """Estimates of one fit of ``lme4_ml.json`` with a single grouping factor."""
    found = lme4_fit(name)
    estimates = {_label(term): value for term, value in found["fixef"].items()}
    for _, first, second, value in found["varcorr"]:
        estimates[_varcorr_label(first, second)] = value
    return pd.Series(estimates)


def lme4_fit(name: str) -> dict:
    """One fit of ``lme4_ml.json``: ``formula``, ``logLik``, ``fixef``, ``varcorr``."""
    fits = json.loads(reference("lme4_ml.json").read_text())["fits"]
    (found,) = [fit for fit in fits if fit["name"] == name]
    return found


def by_our_names(fit: dict) -> pd.Series:
    """All estimates of a fit under the names of our parameters."""
    out = {f"b_{_label(term).replace(' ', '')}": value for term, value in fit["fixef"].items()}
    for group, first, second, value in fit["varcorr"]:
        out[_name(group.partition(".")[0], first, second)] = value
    return pd.Series(out)


def _name(group: str, first: str | None, second: str | None) -> str:
    if first is None:
        return "sigma"
    if second is None:
        return f"sd_{group}__{_label(first)}"
    return f"cor_{group}__{_label(first)}__{_label(second)}"


def _varcorr_label(first: str | None, second: str | None) -> str:
    if first is None:
        return "sigma"
    return f"cor({_label(first)},{_label(second)})" if second else f"sd({_label(first)})"


def _label(term: str) -> str:
    return term.replace("(Intercept)", "Intercept")
