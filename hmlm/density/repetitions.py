"""Cross-products of rows whose series have one correlation matrix: ``sum_k w_k S_k`` over its entries.

Under ``cosy`` the inverse is ``(I - rho / (1 + (n - 1) rho) 11') / (1 - rho)`` for a series of n rows: S_0
are the cross-products of rows, and there is one more S_k for each n, those of the sums over series of n rows.
Under ``unstr`` there is one S_k for each pair of occasions of each pattern of occasions that series have,
and w_k is the entry of the pattern's inverse, over the standard deviations of the two where sigma differs
between occasions.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array

from hmlm.density.data import column_means
from hmlm.density.linear import predictor_of
from hmlm.density.parameters import Parameters
from hmlm.density.repeated import inverse_factors, n_places
from hmlm.kernels.arrays import on_device
from hmlm.spec.spec import COSY, Spec
from hmlm.types import Design, Repeated

if TYPE_CHECKING:
    from hmlm.density.statistics import Statistics

PARTS = ("basis", "total", "mixed", "varying")
Products = Callable[..., np.ndarray]  # (A, S) columns, (S,) cells -> (A, A, T) sums by cell


@jax.tree_util.register_dataclass
@dataclass(frozen=True)
class OccasionScales:
    """A predictor of log sigma that depends on occasions alone.

    Attributes:
        predictor: its index.
        columns: (T, K) population-level columns as the spec centres them.
    """

    predictor: int = field(metadata={"static": True})
    columns: Array

    def log_sigma(self, parameters: Parameters) -> Array:
        """(T,) of every occasion."""
        intercept = parameters.intercept[self.predictor]
        slopes = jnp.matmul(self.columns, parameters.b[self.predictor], precision="highest")
        return slopes if intercept is None else intercept + slopes


@jax.tree_util.register_dataclass
@dataclass(frozen=True)
class Repetitions:
    """What the inverse of the correlations multiplies in each of the statistics.

    Attributes:
        parts: by name of the statistic (K, ...).
        count: (P,) series by pattern.
        present: (P, W) one where a pattern has the place, else zero.
        pairs: per S_k of ``unstr`` its pattern and two occasions; () for ``cosy``.
        scales: what sigma is at the occasions, None where it is the same or what the cells say.
    """

    parts: dict[str, Array]
    count: Array
    present: Array
    pairs: tuple[tuple[int, int, int], ...] = field(metadata={"static": True})
    scales: OccasionScales | None = None


def at_correlation(parameters: Parameters, stats: Statistics) -> tuple[Statistics, Array]:
    """Statistics of rows made independent, and what the log density gains."""
    known = stats.differences
    weights, gain = _unstr(parameters, known) if known.pairs else _cosy(parameters, known)
    parts = {name: jnp.tensordot(weights, part, 1, precision="highest") for name, part in known.parts.items()}
    return replace(stats, differences=None, **parts), gain


def _cosy(parameters: Parameters, known: Repetitions) -> tuple[Array, Array]:
    rho, sizes = parameters.constants[COSY][0], known.present.sum(1)
    last = 1.0 + (sizes - 1.0) * rho
    weights = jnp.concatenate([jnp.ones(1, last.dtype), -rho / last]) / (1.0 - rho)
    gain = -0.5 * jnp.sum(known.count * ((sizes - 1.0) * jnp.log1p(-rho) + jnp.log(last)))
    return weights, gain


def _unstr(parameters: Parameters, known: Repetitions) -> tuple[Array, Array]:
    inverse = inverse_factors(parameters.cortime, known.present)
    precision = jnp.einsum("pka,pkb->pab", inverse, inverse, precision="highest")
    weights = jnp.stack([precision[pair] for pair in known.pairs])
    gain = jnp.sum(known.count[:, None] * jnp.log(jnp.einsum("paa->pa", inverse)))
    if known.scales is None:
        return weights, gain
    log_sigma = known.scales.log_sigma(parameters)
    both = jnp.stack([log_sigma[a] + log_sigma[b] for _, a, b in known.pairs])
    return weights * jnp.exp(-both), gain - jnp.sum(known.count @ known.present * log_sigma)


def of_unit_sigma(parameters: Parameters, known: Repetitions) -> Parameters:
    """Parameters of rows that are divided by their standard deviations already."""
    if known.scales is None:
        return parameters
    return parameters._replace(constants={**parameters.constants, "sigma": (jnp.ones(()),)})


# --- on the host ----------------------------------------------------------------------------------


@dataclass(frozen=True)
class SeriesSums:
    """Series by the places that they have.

    Attributes:
        known: series and place of each row.
        series: (N,) the same series, counted from 0.
        present: (P, W) patterns of places.
        pattern: (S,) of each series.
    """

    known: Repeated
    series: np.ndarray
    present: np.ndarray
    pattern: np.ndarray

    @property
    def n_sums(self) -> int:
        """K, how many cross-products there are of each kind."""
        per_pattern = self.present.sum(1)
        return (
            int(np.sum(per_pattern * (per_pattern + 1) // 2)) if self.known.times else 1 + len(self.present)
        )

    def are_few(self, n_cells: int) -> bool:
        """Whether they cost less than rows."""
        return self.n_sums * n_cells <= len(self.series)

    def lie_in(self, cell: np.ndarray) -> bool:
        """Whether all rows of a series are of one (N,) cell."""
        return bool(np.all(cell == self._of_series(cell)[self.series]))

    def products(self, columns: np.ndarray, cell: np.ndarray, products: Products) -> Iterator[np.ndarray]:
        """The K cross-products (A, A, T) of (A, N) columns by (N,) cell."""
        of_series = self._of_series(cell)
        by_pattern = [self.pattern == p for p in range(len(self.present))]
        if not self.known.times:
            yield products(columns)
            sums = np.stack([np.bincount(self.series, column) for column in columns])
            yield from (products(sums * chosen, of_series) for chosen in by_pattern)
            return
        placed = np.zeros((len(columns), len(self.pattern), self.present.shape[1]))
        placed[:, self.series, self.known.place] = columns
        for p, a, b in self.pairs():
            now, then = (placed[:, :, one] * by_pattern[p] for one in (a, b))
            both = products(now, of_series)
            if a != b:
                both = products(now + then, of_series) - both - products(then, of_series)
            yield both

    def pairs(self) -> tuple[tuple[int, int, int], ...]:
        """Patterns with two occasions each, in the order of ``products``; () of ``cosy``."""
        if not self.known.times:
            return ()
        return tuple(
            (p, int(a), int(b))
            for p, row in enumerate(self.present)
            for a in np.flatnonzero(row)
            for b in np.flatnonzero(row[: a + 1])
        )

    def _of_series(self, values: np.ndarray) -> np.ndarray:
        """(S,) the value of one row of each series."""
        return values[np.unique(self.series, return_index=True)[1]]


def make_series_sums(known: Repeated) -> SeriesSums:
    """Which series have which places."""
    _, series = np.unique(known.index, return_inverse=True)
    has = np.zeros((int(series.max()) + 1, n_places(known)), int)
    has[series, known.place] = 1
    present, pattern = np.unique(has, axis=0, return_inverse=True)
    return SeriesSums(known, series, present, pattern.ravel())


def scales_of_occasions(spec: Spec, design: Design) -> OccasionScales | None:
    """What sigma is at the occasions of ``unstr``; None where it is one number or depends on more."""
    known, p = design.outcomes[0].repeated, predictor_of(spec, 0, "sigma")
    varies = p is not None and any(term.predictor == p for block in spec.blocks for term in block.terms)
    if p is None or varies or known is None or not known.times:
        return None
    columns = design.predictors[p].population.matrix
    of_times = columns[np.unique(known.place, return_index=True)[1]]
    if not np.array_equal(of_times[known.place], columns):
        return None
    return OccasionScales(p, on_device(of_times - column_means(spec, design)[p]))


def make_repetitions(
    sums: SeriesSums, parts: list[dict[str, Array]], scales: OccasionScales | None
) -> Repetitions:
    """From the statistics of each cross-product."""
    return Repetitions(
        parts={name: jnp.stack([part[name] for part in parts]) for name in PARTS},
        count=on_device(np.bincount(sums.pattern), float),
        present=on_device(sums.present, float),
        pairs=sums.pairs(),
        scales=scales,
    )
