"""Warm-up: the step size by dual averaging, the metric from the draws of windows that double, as in Stan.

The first windows have fewer draws than a dense metric has rows. Their correlations are shrunk as far as their
number and their own structure ask for; unshrunk, trees of the next window grew to 700 leaves.

References:
    Chen, Wiesel, Eldar & Hero (2010), doi:10.1109/TSP.2010.2053029: the shrinkage
"""

from __future__ import annotations

from typing import Any, NamedTuple

import jax.numpy as jnp
from jax import Array, lax
from numpyro import infer  # noqa: F401  loads numpyro where arviz left it lazy: see test_lazy_numpyro
from numpyro.infer.hmc_util import build_adaptation_schedule, dual_averaging, welford_covariance

from hmlm.infer.metric import Metric, unit_metric

FIRST_STEP_SIZE = 0.25  # coordinates come scaled by a pilot's standard errors


class Tuning(NamedTuple):
    """What a transition is tuned by."""

    step_size: Array
    metric: Metric


class Adaptation(NamedTuple):
    """What has been learnt in the current window: averages of NumPyro's ``hmc_util``."""

    step_size: Any
    population: Any
    effects: Any


class Warmup:
    """Adaptation over ``draws`` draws to a mean acceptance rate of ``target_accept``."""

    def __init__(self, draws: int, target_accept: float, n_population: int) -> None:
        windows = build_adaptation_schedule(draws)
        self._draws, self._target, self._n_population = draws, target_accept, n_population
        self._inner = [(window.start, window.end) for window in windows[1:-1]]
        self._averaging = dual_averaging()
        self._dense, self._diagonal = welford_covariance(diagonal=False), welford_covariance(diagonal=True)

    def start(self, size: int, dtype: jnp.dtype) -> tuple[Tuning, Adaptation]:
        """Before the first draw in ``size`` dimensions."""
        step_size = jnp.asarray(FIRST_STEP_SIZE, dtype)
        tuning = Tuning(step_size, unit_metric(self._n_population, size, dtype))
        return tuning, Adaptation(self._averaging[0](jnp.log(step_size)), *self._empty(size))

    def update(
        self, n_done: Array, position: Array, acceptance_rate: Array, tuning: Tuning, adaptation: Adaptation
    ) -> tuple[Tuning, Adaptation]:
        """After draw number ``n_done``, counted from zero; nothing changes once warm-up is over."""
        return lax.cond(
            n_done < self._draws,
            lambda: self._learn(n_done, position, acceptance_rate, tuning, adaptation),
            lambda: (tuning, adaptation),
        )

    def _learn(
        self, n_done: Array, position: Array, acceptance_rate: Array, tuning: Tuning, adaptation: Adaptation
    ) -> tuple[Tuning, Adaptation]:
        averages = self._averaging[1](self._target - acceptance_rate, adaptation.step_size)
        step_size = jnp.exp(jnp.where(n_done == self._draws - 1, averages[1], averages[0]))
        tuning = Tuning(step_size, tuning.metric)
        if not self._inner:
            return tuning, Adaptation(averages, adaptation.population, adaptation.effects)
        inside = (n_done >= self._inner[0][0]) & (n_done <= self._inner[-1][1])
        adaptation = Adaptation(averages, *self._collected(inside, position, adaptation))
        at_end = jnp.any(n_done == jnp.asarray([end for _, end in self._inner]))
        return lax.cond(
            at_end, lambda: self._renew(len(position), tuning, adaptation), lambda: (tuning, adaptation)
        )

    def _collected(self, inside: Array, position: Array, adaptation: Adaptation) -> tuple[Any, Any]:
        n = self._n_population
        return lax.cond(
            inside,
            lambda: (
                self._dense[1](position[:n], adaptation.population),
                self._diagonal[1](position[n:], adaptation.effects),
            ),
            lambda: (adaptation.population, adaptation.effects),
        )

    def _renew(self, size: int, tuning: Tuning, adaptation: Adaptation) -> tuple[Tuning, Adaptation]:
        """At the end of a window: the metric it found, and the step size sought from where it is."""
        covariance = self._dense[2](adaptation.population, regularize=True)[0]
        covariance = shrunk(covariance, adaptation.population[2])
        variance = self._diagonal[2](adaptation.effects, regularize=True)[0]
        metric = Metric(jnp.linalg.cholesky(covariance), jnp.sqrt(variance))
        averages = self._averaging[0](jnp.log(tuning.step_size))
        return Tuning(tuning.step_size, metric), Adaptation(averages, *self._empty(size))

    def _empty(self, size: int) -> tuple[Any, Any]:
        n = self._n_population
        return self._dense[0](n), self._diagonal[0](size - n)


def shrunk(covariance: Array, n: Array) -> Array:
    """A (P, P) covariance of ``n`` draws, its correlations shrunk towards zero (oracle approximating)."""
    size, sd = len(covariance), jnp.sqrt(jnp.diagonal(covariance))
    if size < 2:
        return covariance
    square = jnp.sum((covariance / (sd[:, None] * sd)) ** 2)
    structure = (n + 1 - 2 / size) * (square - size)
    share = jnp.minimum(1.0, ((1 - 2 / size) * square + size**2) / structure)
    return covariance * jnp.where(jnp.eye(size, dtype=bool), 1.0, 1 - share)
