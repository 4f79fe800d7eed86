"""Shrunk coefficients at a pilot estimate: where sampling starts, and what the data say of them."""

from __future__ import annotations

from typing import NamedTuple

import jax.numpy as jnp
import numpy as np

from hmlm.density.family_pilot import FamilyPilot
from hmlm.density.pilot import Pilot
from hmlm.density.precision import double_precision
from hmlm.density.shrinkage import CoefficientInformation, natural, posterior, scales_of
from hmlm.density.working import Working
from hmlm.kernels.arrays import on_device
from hmlm.spec.shrinkage import HORSESHOE, Shrinkage
from hmlm.spec.spec import Predictor, Spec


class ShrinkageStart(NamedTuple):
    """Values at the start, (n,) of zeta, whose errors are one, and (H,) of ``shrinkage.coordinates``."""

    zeta: np.ndarray
    made_of: np.ndarray
    error: np.ndarray


def start_at(shrinkage: Shrinkage, pilot: PilotCoefficients, sigma: float) -> ShrinkageStart:
    """Where sampling starts, at a pilot's coefficients.

    Local scales follow the sizes of coefficients, so that every z is near one.
    """
    beta, error = pilot.beta, np.sqrt(np.maximum(np.diag(pilot.covariance), 0.0))
    size = np.sqrt(beta**2 + error**2 + 1e-300)
    overall = np.exp(np.mean(np.log(size)))
    if shrinkage.kind == HORSESHOE:
        values = np.concatenate([[overall / sigma, 1.0], size / overall])
    else:
        total = np.clip(np.sum(size**2) / sigma**2, 0.02, 50.0)
        weights = size**2 / np.sum(size**2)
        values = np.concatenate([[total / (1.0 + total)], np.log(weights[:-1] / weights[-1])])
    with double_precision():
        drawn = natural(shrinkage, jnp.asarray(values), sigma)[0]
        scales = scales_of(shrinkage, drawn, sigma)
        root, white = map(np.asarray, posterior(scales, known_at(pilot)))
    spread = values if shrinkage.kind == HORSESHOE else np.concatenate([[0.1], np.ones(len(beta) - 1)])
    return ShrinkageStart(root.T @ (beta / np.asarray(scales)) - white, values, 0.7 * spread)


class PilotCoefficients(NamedTuple):
    """A pilot's (n,) coefficients, their covariance, which may be singular, and the (n,) ridge it has."""

    beta: np.ndarray
    covariance: np.ndarray
    penalty: np.ndarray


def known_at(pilot: PilotCoefficients) -> CoefficientInformation:
    """The data's information, without the ridge; their score ``F b`` with it, for b is shrunk by it."""
    beta, covariance, penalty = pilot
    unit = 1.0 / np.sqrt(np.maximum(np.diag(covariance), 1e-300))
    scaled = np.linalg.pinv(covariance * np.outer(unit, unit), rcond=1e-10, hermitian=True)
    values, vectors = np.linalg.eigh(scaled - np.diag(penalty / unit**2))
    known = (vectors * np.maximum(values, 0.0)) @ vectors.T
    score = unit * (scaled @ (unit * beta))
    return CoefficientInformation(on_device(known * np.outer(unit, unit)), jnp.asarray(score))


def make_known(spec: Spec, pilot: Pilot | FamilyPilot) -> tuple[CoefficientInformation | None, ...]:
    """Per predictor what the data say of its shrunk coefficients, None without any."""
    return tuple(
        None if predictor.shrinkage is None else known_at(pilot_of(predictor, working))
        for predictor, working in zip(spec.predictors, pilot.working, strict=True)
    )


def pilot_of(predictor: Predictor, working: Working) -> PilotCoefficients:
    """The pilot's coefficients that are shrunk."""
    own = int(predictor.intercept is not None) + np.array(predictor.shrinkage.columns)
    return PilotCoefficients(
        working.beta[own], working.beta_covariance[np.ix_(own, own)], working.penalty[own]
    )
