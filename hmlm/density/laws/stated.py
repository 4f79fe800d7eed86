"""A NumPyro distribution of rows stated by its log density, for what NumPyro does not have itself."""

from __future__ import annotations

from collections.abc import Callable

from jax import Array
from numpyro import distributions as dist
from numpyro.distributions import constraints


class Stated(dist.Distribution):
    """A distribution of one number per row.

    Args:
        log_prob: outcome -> log density.
        sample: key, shape -> outcomes.
        shape: of the rows.
        support: of the outcomes.
    """

    def __init__(
        self,
        log_prob: Callable[[Array], Array],
        sample: Callable[[Array, tuple[int, ...]], Array],
        shape: tuple[int, ...],
        support: constraints.Constraint,
    ) -> None:
        self._log_prob, self._sample, self._support = log_prob, sample, support
        super().__init__(shape)

    @property
    def support(self) -> constraints.Constraint:
        """Where outcomes lie."""
        return self._support

    def log_prob(self, value: Array) -> Array:
        """As stated."""
        return self._log_prob(value)

    def sample(self, key: Array, sample_shape: tuple[int, ...] = ()) -> Array:
        """As stated."""
        return self._sample(key, (*sample_shape, *self.batch_shape))
