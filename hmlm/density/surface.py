"""The likelihood surface that is climbed: values and gradients on the host, one compiled program for them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from hmlm.density.chart import Chart, Order, make_chart, natural_orders, sizes, start_at
from hmlm.density.likelihood import Likelihood, make_likelihood
from hmlm.density.pilot import Pilot
from hmlm.density.precision import double_precision
from hmlm.density.profiled import Pin, evaluate, reported
from hmlm.density.recover import conditional_effects
from hmlm.spec.spec import Spec
from hmlm.types import Design, HmlmError


class Fixed(NamedTuple):
    """``direction' delta = value``, for P coefficients of means."""

    direction: np.ndarray
    value: float


class Point(NamedTuple):
    """The surface at one place, on the host.

    Attributes:
        theta: (k,) coordinates of the variance parameters (and of coefficients of log sigma).
        value: minus the log likelihood.
        gradient: (k,) of the value.
        delta: (P,) best coefficients of the means there.
        information: (P, P) on them.
    """

    theta: np.ndarray
    value: float
    gradient: np.ndarray
    delta: np.ndarray
    information: np.ndarray


@dataclass(frozen=True, eq=False)
class Surface:
    """Minus the (restricted) log likelihood over theta, coefficients of means at their best.

    Attributes:
        likelihood: of the model.
        chart: of the coordinates.
        start: (k,) the pilot's.
        restricted: REML.
        orders: of the rows of every block's factor, see :func:`hmlm.density.chart.parameters_at`.
    """

    likelihood: Likelihood
    chart: Chart
    start: np.ndarray
    restricted: bool
    orders: tuple[Order, ...]

    @property
    def n_coefficients(self) -> int:
        """P, coefficients of means."""
        return sum(sizes(self.likelihood.spec).delta)

    def at(self, theta: np.ndarray, fixed: Fixed | None = None) -> Point:
        """The surface at (k,) ``theta``, with a linear function of delta held fixed where one is given."""
        size = self.n_coefficients
        direction, value = (np.zeros(size), 0.0) if fixed is None else fixed
        with double_precision():
            pin = Pin(jnp.asarray(direction), jnp.asarray(value), jnp.asarray(float(fixed is not None)))
            (negative, best), gradient = evaluate(
                self.likelihood.static,
                jnp.asarray(theta),
                pin,
                self.likelihood.data,
                self.chart,
                restricted=self.restricted,
                orders=self.orders,
            )
        return Point(theta, float(negative), *map(np.asarray, (gradient, best.delta, best.information)))

    def reported(self, theta: np.ndarray, delta: np.ndarray) -> np.ndarray:
        """Every parameter by the likelihood's names."""
        static, data = self.likelihood.static, self.likelihood.data
        with double_precision():
            arguments = jnp.asarray(theta), jnp.asarray(delta), data, self.chart
            return np.asarray(reported(static, *arguments, orders=self.orders))

    def effects(self, point: Point) -> list[tuple[np.ndarray, np.ndarray]]:
        """Per block the (Q, J) means and standard deviations of the effects given the data and parameters."""
        static, data = self.likelihood.static, self.likelihood.data
        with double_precision():
            arguments = jnp.asarray(point.theta), jnp.asarray(point.delta), data, self.chart
            found = conditional_effects(static, *arguments, orders=self.orders)
        return [(np.asarray(mean), np.asarray(sd)) for mean, sd in jax.device_get(found)]


class Coordinates(NamedTuple):
    """Slices of theta.

    Attributes:
        scale: per predictor, None for means.
        sigma: per outcome, None where sigma has a formula.
        tau: per block.
        angles: per block.
        rescor: residual correlations.
    """

    scale: tuple[slice | None, ...]
    sigma: tuple[slice | None, ...]
    tau: tuple[slice, ...]
    angles: tuple[slice, ...]
    rescor: slice


def coordinates(spec: Spec) -> Coordinates:
    """The slices of a model."""
    stops = np.cumsum((0, *sizes(spec).theta))
    parts = iter([slice(a, b) for a, b in zip(stops[:-1], stops[1:], strict=True)])
    return Coordinates(
        scale=tuple(None if p.dpar == "mu" else next(parts) for p in spec.predictors),
        sigma=tuple(None if prior is None else next(parts) for prior in spec.sigma),
        tau=tuple(next(parts) for _ in spec.blocks),
        angles=tuple(next(parts) for _ in spec.blocks),
        rescor=next(parts),
    )


def make_surface(spec: Spec, design: Design, pilot: Pilot, *, restricted: bool) -> Surface:
    """The surface of a model.

    Raises:
        HmlmError: effects that cannot be integrated out, collinear columns, standard deviations between
            levels or a residual correlation that have a formula.
    """
    if spec.sds:
        what = ", ".join(part.prefix for part in spec.sds)
        raise HmlmError(
            f"maximum likelihood does not estimate what {what} depends on; "
            'sample it, fit(algorithm="nuts"), or leave sd= out of the formula'
        )
    if spec.rescor_predictor is not None:
        raise HmlmError(
            "maximum likelihood does not estimate a formula of the residual correlation; sample it, "
            'fit(algorithm="nuts"), or use set_rescor(True)'
        )
    likelihood, chart = make_likelihood(spec, design, pilot), make_chart(spec, design, pilot)
    return Surface(likelihood, chart, start_at(spec, chart, pilot), restricted, natural_orders(spec))
