"""Where in the posterior divergences are."""

from __future__ import annotations

import numpy as np
from scipy.stats import rankdata

from hmlm.results.diagnosis.boundary import sd_positions
from hmlm.results.diagnosis.evidence import Evidence
from hmlm.results.diagnosis.prior_call import prior_call
from hmlm.results.diagnosis.words import value_text

FEWEST = 5
EXTREME = 0.25  # mean rank of divergent draws, 0.5 where they are anywhere


def where_they_are(evidence: Evidence, diverging: np.ndarray) -> tuple[str, str]:
    """A sentence, and the call of a prior that would keep the sampler away; empty where nothing is known.

    Args:
        evidence: of the fit.
        diverging: (C, S) which draws diverged.
    """
    usable = np.flatnonzero(evidence.varies)
    flat, which = evidence.values.reshape(len(evidence.values), -1), diverging.ravel()
    if not usable.size or not FEWEST <= which.sum() < which.size or flat.shape[1] != which.size:
        return "", ""
    rank = np.array([rankdata(flat[i])[which].mean() for i in usable]) / which.size
    sds = [k for k, i in enumerate(usable) if i in sd_positions(evidence) and rank[k] < EXTREME]
    extreme = min(sds, key=lambda k: rank[k]) if sds else int(np.abs(rank - 0.5).argmax())
    if abs(rank[extreme] - 0.5) < 0.5 - EXTREME:
        return "", ""
    position = int(usable[extreme])
    return _sentence(evidence.labels[position], flat[position], which, near_zero=bool(sds)), (
        prior_call(evidence.fit, position) if sds else ""
    )


def _sentence(label: str, values: np.ndarray, which: np.ndarray, *, near_zero: bool) -> str:
    there, elsewhere = np.median(values[which]), np.median(values[~which])
    side = "near zero" if near_zero else "low" if there < elsewhere else "high"
    return (
        f" They are where {label} is {side} (median {value_text(there)} there, {value_text(elsewhere)} "
        "elsewhere)."
    )
