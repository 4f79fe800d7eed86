"""Variance of an outcome around its linear predictor, on the scale of the link, by family.

For counts ``log(1 + 1/mu + ...)``, the variance of the logarithm of a log-normal variable with the mean and
variance of the outcome; for probabilities that of the latent variable whose sign the outcome is.

References:
    Nakagawa, Johnson & Schielzeth (2017), doi:10.1098/rsif.2017.0213
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import NamedTuple

import numpy as np
from scipy.special import polygamma

Values = Mapping[str, np.ndarray]  # (C, S) draws by distributional parameter; mu is the expected outcome


class Latent(NamedTuple):
    """A variance on the scale of the link.

    Attributes:
        reads: the distributional parameters that it depends on; ``"mu"`` is the expected outcome.
        variance: draws of them -> (C, S) draws of it, or one number.
    """

    reads: tuple[str, ...]
    variance: Callable[[Values], np.ndarray | float]


def trigamma(shape: np.ndarray) -> np.ndarray:
    """Variance of the logarithm of a gamma variable."""
    return polygamma(1, shape)


def _student(values: Values) -> np.ndarray:
    """Infinite up to two degrees of freedom."""
    nu = values["nu"]
    with np.errstate(divide="ignore"):
        return values["sigma"] ** 2 * np.where(nu > 2, nu / np.maximum(nu - 2, 0.0), np.inf)


SIGMA = Latent(("sigma",), lambda values: values["sigma"] ** 2)
LOGIT = Latent((), lambda values: np.pi**2 / 3)
PROBIT = Latent((), lambda values: 1.0)
CLOGLOG = Latent((), lambda values: np.pi**2 / 6)
OF_PROBABILITY = {"logit": LOGIT, "probit": PROBIT, "cloglog": CLOGLOG}

LATENT: Mapping[tuple[str, str], Latent] = {
    ("gaussian", "identity"): SIGMA,
    ("lognormal", "identity"): SIGMA,
    ("student", "identity"): Latent(("sigma", "nu"), _student),
    **{(family, link): of for family in ("bernoulli", "binomial") for link, of in OF_PROBABILITY.items()},
    **{("cumulative", link): of for link, of in OF_PROBABILITY.items() if link != "cloglog"},
    ("poisson", "log"): Latent(("mu",), lambda values: np.log1p(1 / values["mu"])),
    ("poisson", "sqrt"): Latent((), lambda values: 0.25),
    ("negbinomial", "log"): Latent(
        ("mu", "shape"), lambda values: np.log1p(1 / values["mu"] + 1 / values["shape"])
    ),
    ("geometric", "log"): Latent(("mu",), lambda values: np.log1p(1 / values["mu"] + 1.0)),
    ("gamma", "log"): Latent(("shape",), lambda values: trigamma(values["shape"])),
    ("exponential", "log"): Latent((), lambda values: np.pi**2 / 6),
}
