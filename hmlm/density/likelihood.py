"""The likelihood itself: every group effect integrated out, no prior."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array
from jax.typing import ArrayLike

from hmlm.density.constrained import constrained_names
from hmlm.density.data import make_data
from hmlm.density.information import make_mixing
from hmlm.density.integrate import log_integral
from hmlm.density.mixing import device_mixing
from hmlm.density.moments import Moments
from hmlm.density.named import correlation_matrices, parameters_of
from hmlm.density.parameters import Parameters
from hmlm.density.pilot import Pilot
from hmlm.density.plan import MARGINAL, Plan, make_plan, n_scale_terms
from hmlm.density.precision import double_precision
from hmlm.density.state import DensityData, Static, moments_at, prior_of_integrated, total
from hmlm.density.statistics import make_statistics
from hmlm.kernels.arrays import on_device
from hmlm.spec.distribution import FLAT
from hmlm.spec.hint import did_you_mean
from hmlm.spec.spec import AR, COSY, Spec, without_levels
from hmlm.types import Design, HmlmError

INDEFINITE = -1e-8  # smallest eigenvalue of a correlation matrix that rounding explains


def log_likelihood(static: Static, parameters: Parameters, data: DensityData) -> Array:
    """Marginal log likelihood, normalising constants included, under a plan that samples no effect."""
    moments = marginal_moments(static, parameters, data)
    parts = [moments.log_rows]
    parts += [] if data.model.log_jacobian is None else [data.model.log_jacobian]
    if static.plan.factors:
        parts.append(log_integral(moments, prior_of_integrated(static, parameters, data)))
    return total(parts)


def marginal_moments(static: Static, parameters: Parameters, data: DensityData) -> Moments:
    """What the rows say about the effects under a plan that samples none."""
    u = [jnp.zeros((block.size, static.spec.factors[block.factor].n_levels)) for block in static.spec.blocks]
    return moments_at(static, parameters, u, data)


def marginal_plan(spec: Spec) -> Plan:
    """The plan that integrates every group effect out.

    Raises:
        HmlmError: effects on sigma, of several levels of a row, or of levels with a known covariance that no
            rotation separates; or more crossed effects than can be integrated out together.
    """
    if not spec.normal:
        raise HmlmError(
            f"the marginal likelihood of the family {spec.family} (or of outcomes with weights, bounds or "
            'censoring) has no closed form; sample its effects: fit(algorithm="nuts")'
        )
    sampled = {spec.factors[block.factor].name for block in spec.blocks if n_scale_terms(spec, block)}
    if sampled:
        raise HmlmError(
            f"the effects of {', '.join(map(repr, sorted(sampled)))} on {_scales(spec)} cannot be integrated "
            "out exactly, so the marginal likelihood has no closed form; sample them: "
            f'fit(algorithm="nuts"), or give {_scales(spec)} '
            "population-level terms only"
        )
    try:
        return make_plan(spec, MARGINAL)
    except HmlmError as error:
        if spec.multiple or any(block.known is not None for block in spec.blocks):
            raise HmlmError(f'{error}, and fit(algorithm="nuts")') from error
        names = ", ".join(f"{f.name} ({f.n_levels} levels)" for f in spec.factors)
        raise HmlmError(
            f"the grouping factors {names} are too many effects to integrate out together; "
            'sample them: fit(algorithm="nuts")'
        ) from error


def _scales(spec: Spec) -> str:
    """The parameters that have formulas beside means."""
    return " and ".join(dict.fromkeys(p.dpar for p in spec.predictors if p.dpar != "mu"))


@dataclass(frozen=True, eq=False)
class Likelihood:
    """The marginal likelihood of a model and its data.

    Attributes:
        spec: the model.
        plan: which factors come first in the elimination; no effect is sampled.
        data: arrays.
    """

    spec: Spec
    plan: Plan
    data: DensityData

    @cached_property
    def static(self) -> Static:
        """The hashable half, by which programs are cached; priors, some made from data, are no part of it."""
        return Static(without_priors(without_levels(self.spec)), self.plan)

    @property
    def names(self) -> tuple[str, ...]:
        """Every parameter, in the order of :func:`hmlm.density.constrained.constrained_values`."""
        return constrained_names(self.static.spec)


def without_priors(spec: Spec) -> Spec:
    """The spec with flat priors on what has one."""
    return replace(
        spec,
        predictors=tuple(
            replace(
                p,
                intercept=p.intercept and FLAT,
                priors=(FLAT,) * len(p.priors),
                monotonic=tuple(replace(m, prior=FLAT, simplex=(1.0,) * m.size) for m in p.monotonic),
                shrinkage=None,
                smooths=tuple(replace(s, prior=FLAT) for s in p.smooths),
            )
            for p in spec.predictors
        ),
        constants=tuple(replace(constant, prior=FLAT) for constant in spec.constants),
        blocks=tuple(replace(b, sd=(FLAT,) * b.size, cor=b.cor and 1.0) for b in spec.blocks),
        rescor=spec.rescor and 1.0,
        autocor=spec.autocor and replace(spec.autocor, cor=spec.cortime and 1.0),
        sds=tuple(replace(part, priors=(FLAT,) * len(part.priors)) for part in spec.sds),
    )


def make_likelihood(spec: Spec, design: Design, pilot: Pilot) -> Likelihood:
    """The likelihood of a model, its data in float64; nothing of priors or starting points is in it."""
    plan, mixing = marginal_plan(spec), make_mixing(spec, design, pilot)
    with double_precision():
        data = DensityData(
            model=make_data(spec, design, plan)[0],
            statistics=make_statistics(spec, design, plan, pilot, mixing),
            fused=None,
            information=(None,) * len(spec.blocks),
            mixing=device_mixing(mixing),
            softplus=on_device(np.zeros(0)),
            scale=on_device(np.zeros(0)),
        )
    return Likelihood(spec, plan, data)


def named_log_likelihood(density: Likelihood, values: Mapping[str, ArrayLike]) -> np.ndarray:
    """Marginal log likelihood at parameters by their names; scalars, or draws of one shape.

    Raises:
        HmlmError: a name is unknown or missing, or a value outside its range.
    """
    _check_names(density.names, values)
    arrays = np.broadcast_arrays(*(_number(name, values[name]) for name in density.names))
    rows = np.stack([array.ravel() for array in arrays], axis=1)
    rows = _without_undefined(density.names, rows)
    for row in rows:
        _check_row(density.spec, dict(zip(density.names, row, strict=True)))
    with double_precision():
        flat = _at_names(density.static, on_device(rows), density.data)
    return np.asarray(flat).reshape(arrays[0].shape)


@jax.jit(static_argnums=0)
def _at_names(static: Static, rows: Array, data: DensityData) -> Array:
    return jax.lax.map(
        lambda row: log_likelihood(static, parameters_of(static.spec, row, data.model), data), rows
    )


def _check_names(known: Sequence[str], values: Mapping[str, ArrayLike]) -> None:
    for name in values:
        if name not in known:
            raise HmlmError(
                f"no parameter {name!r}{did_you_mean(str(name), known)} (the model has {', '.join(known)})"
            )
    missing = [name for name in known if name not in values]
    if missing:
        raise HmlmError(f"no value for {', '.join(missing)}: the likelihood needs every parameter")


def _number(name: str, value: ArrayLike) -> np.ndarray:
    try:
        return np.asarray(value, dtype=float)
    except (TypeError, ValueError):
        raise HmlmError(f"{name}={value!r} must be a number, or an array of draws") from None


def _without_undefined(names: Sequence[str], rows: np.ndarray) -> np.ndarray:
    """Correlations that are not defined because a standard deviation is zero do not matter: zero."""
    cor = np.array([name.startswith("cor_") for name in names])
    return np.where(cor & np.isnan(rows), 0.0, rows)


def _check_row(spec: Spec, value: Mapping[str, float]) -> None:
    for name, number in value.items():
        positive = name.startswith("sigma")
        if not np.isfinite(number):
            raise HmlmError(f"{name} = {number}: not a finite number")
        if name.startswith(f"{AR}[") and abs(number) >= 1:
            raise HmlmError(f"{name} = {number:g}: it lies between -1 and 1")
        if name == COSY and not 0 <= number < 1:
            raise HmlmError(f"{name} = {number:g}: it lies between 0 and 1")
        if (number <= 0 and positive) or (number < 0 and name.startswith("sd_")):
            allowed = "must be positive" if positive else "cannot be negative"
            raise HmlmError(f"{name} = {number:g}: a standard deviation {allowed}")
    for pairs, matrix in correlation_matrices(spec, value):
        if np.linalg.eigvalsh(matrix)[0] < INDEFINITE:
            names = ", ".join(f"{name} = {value[name]:g}" for name, _, _ in pairs)
            raise HmlmError(f"{names}: no correlation matrix, it is not positive definite")
