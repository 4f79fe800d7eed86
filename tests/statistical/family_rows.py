"""Log densities of rows of families that are not normal, by scipy's distributions."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from scipy.special import expit

import hmlm as hm
from hmlm.spec.names import constant_name

from ..density.test_laws import SCIPY

INVERSE_LINKS = {"identity": lambda eta: eta, "log": np.exp, "logit": expit}


def log_rows_of_family(
    model: hm.Model, outcome: np.ndarray, values: Mapping[str, np.ndarray], eta: np.ndarray
) -> np.ndarray:
    """(S,) log density of one outcome whose only formula is that of mu.

    Args:
        model: its family, constants and addition terms.
        outcome: (N,) simulated.
        values: parameters by draws' names, each (S,).
        eta: (S, N) linear predictor of mu.
    """
    family = model.spec.family
    natural = {c.dpar: values[constant_name(model.spec, 0, c.dpar)][:, None] for c in model.spec.constants}
    natural["mu"] = INVERSE_LINKS[family.link("mu")](eta)
    rows = SCIPY[family.name](natural, model.design.outcomes[0].additions.get("trials"))
    density = rows.logpmf if hasattr(rows.dist, "logpmf") else rows.logpdf
    return density(outcome).sum(1)
