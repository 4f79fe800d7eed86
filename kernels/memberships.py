"""Rows that belong to several groups: weighted sums of groups' values, and of rows by group."""

from __future__ import annotations

from dataclasses import dataclass

import jax
from jax import Array

from hmlm.kernels.segments import Segments


@jax.tree_util.register_dataclass
@dataclass(frozen=True)
class Memberships:
    """M groups of each row.

    Attributes:
        groups: rows by their m-th group.
        weights: of it, in the shape of arrays over rows, zero where padded.
    """

    groups: tuple[Segments, ...]
    weights: tuple[Array, ...]

    def expand(self, values: Array) -> Array:
        """``out[..., n] = sum_m w[n, m] values[..., index[n, m]]``; (..., J) to (..., *rows)."""
        pairs = zip(self.weights, self.groups, strict=True)
        return sum(weight * group.expand(values) for weight, group in pairs)

    def reduce(self, rows: Array) -> Array:
        """The transpose: (..., *rows) to (..., J)."""
        pairs = zip(self.weights, self.groups, strict=True)
        return sum(group.reduce(weight * rows) for weight, group in pairs)
