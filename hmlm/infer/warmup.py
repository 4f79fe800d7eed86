"""Warm-up: a step size of each chain by dual averaging, a metric that all chains learn together.

Chains remember where they were and the gradients there until a window ends; then they meet on the host, and
what all of them saw makes the metric of the next window. With C chains a window needs a C-th of the draws.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array, lax
from numpyro import infer  # noqa: F401  loads numpyro where arviz left it lazy: see test_lazy_numpyro
from numpyro.infer.hmc_util import dual_averaging

from hmlm.infer.integrator import Place
from hmlm.infer.metric import Metric
from hmlm.infer.schedule import Schedule
from hmlm.infer.seen import Seen, metric_after, nothing_seen, see

FIRST_STEP_SIZE = 0.25  # coordinates come scaled by a pilot's standard errors

first_averages, next_averages = dual_averaging()


class Learning(NamedTuple):
    """What a chain learnt in this window: NumPyro's dual averaging of the step size, and places."""

    averages: Any
    seen: Seen


@dataclass(frozen=True)
class Warmup:
    """Adaptation over ``schedule.draws`` draws to a mean acceptance rate of ``target_accept``.

    Attributes:
        schedule: when chains meet.
        target_accept: the mean acceptance rate that is sought.
        rows: draws that a chain remembers.
    """

    schedule: Schedule
    target_accept: float
    rows: int

    def start(self, size: int, dtype: jnp.dtype) -> tuple[Array, Learning]:
        """The step size of a chain in ``size`` dimensions, before its first draw."""
        step_size = jnp.asarray(FIRST_STEP_SIZE, dtype)
        return step_size, Learning(first_averages(jnp.log(step_size)), nothing_seen(self.rows, size, dtype))

    def update(
        self, n_done: Array, place: Place, rate: Array, step_size: Array, learning: Learning
    ) -> tuple[Array, Learning]:
        """After draw number ``n_done``, counted from zero; nothing changes once warm-up is over."""

        def learn() -> tuple[Array, Learning]:
            averages = next_averages(self.target_accept - rate, learning.averages)
            return jnp.exp(averages[0]), Learning(averages, see(learning.seen, n_done, place))

        return lax.cond(n_done < self.schedule.draws, learn, lambda: (step_size, learning))

    def met(self, n_done: int, learning: Learning, metric: Metric) -> tuple[np.ndarray, Learning, Metric]:
        """What chains, leaves with a leading axis (C,), know after their meeting at ``n_done`` draws.

        Returns:
            The (C,) step sizes, the learning of the next window, and the metric: the same for every chain.
        """
        averaged = np.asarray(learning.averages[1])
        step_size = np.full_like(averaged, np.exp(averaged[np.isfinite(averaged)].mean()))
        metric = metric_after(self.schedule, learning.seen, n_done, metric)
        return step_size, learning._replace(averages=jax.vmap(first_averages)(np.log(step_size))), metric
