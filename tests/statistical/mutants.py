"""Deliberate mistakes in the density, each of which calibration has to notice.

A mutant is patched where the density looks the piece up. Its spec carries another outcome's name, which no
parameter of a single outcome shows, so that no program compiled from right code is used, or left behind.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import jax.numpy as jnp
import pytest
from jax import Array

import hmlm as hm
from hmlm.density import integrate, priors, state
from hmlm.kernels.eliminate import posterior

from .sbc_models import CORRELATED_SLOPES, MELSM, RANDOM_INTERCEPT, Case


@dataclass(frozen=True)
class Mutant:
    """A mistake.

    Attributes:
        name: what the test report calls it.
        case: the model that it is made in.
        owner: module or class whose attribute is replaced.
        attribute: its name.
        wrong: what replaces it.
    """

    name: str
    case: Case
    owner: object
    attribute: str
    wrong: Callable

    def model(self, monkeypatch: pytest.MonkeyPatch) -> hm.Model:
        """The model, wrong until the patch is undone."""
        monkeypatch.setattr(self.owner, self.attribute, self.wrong)
        stated = self.case.model()
        names = tuple(f"{outcome}_{self.name}" for outcome in stated.spec.outcomes)
        return replace(stated, spec=replace(stated.spec, outcomes=names))


def without_log_determinant(precision: Array, score: Array, factor: Array) -> Array:
    """``eliminate`` without ``- sum log diag C``, in value and gradient."""
    return 0.5 * jnp.sum(posterior(precision, score, factor).white ** 2, axis=0)


def without_shift(static, b: int, parameters, sampled, scale) -> Array:
    """``_with_means`` that takes the integrated effects' conditional means for zero."""
    levels = static.spec.factors[static.spec.blocks[b].factor].n_levels
    n_integrated = static.spec.blocks[b].size - static.plan.blocks[b].n_sampled
    return jnp.concatenate([sampled.u, jnp.zeros((n_integrated, levels), sampled.u.dtype)])


def without_jacobian(transform: priors.ScaledSoftplus, x: Array, value: Array) -> Array:
    """The softplus map's ``log |d tau / d x|`` left out."""
    return jnp.zeros_like(x)


MUTANTS = (
    Mutant("no_log_det", CORRELATED_SLOPES, integrate, "eliminate", without_log_determinant),
    Mutant("no_shift", MELSM, state, "_with_means", without_shift),
    Mutant("no_jacobian", RANDOM_INTERCEPT, priors.ScaledSoftplus, "log_abs_det_jacobian", without_jacobian),
)
