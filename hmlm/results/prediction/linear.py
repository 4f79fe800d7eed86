"""Linear predictors of a chunk of rows in every draw, computed on the device."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array, lax

from hmlm.results.prediction.draws import Draws
from hmlm.results.prediction.rows import Index, Rows
from hmlm.spec.names import coefficient_names, intercept_name, monotonic_names, smooth_names
from hmlm.spec.spec import Spec


class Coefficients(NamedTuple):
    """Draws of one predictor: (K + 1, S) population-level ones, intercept first, and (J, S) group effects."""

    population: Array
    effects: tuple[Array, ...]


class Columns(NamedTuple):
    """What R rows have of a predictor: (R,) offsets, (R, K + 1), per term (R,) values and codes of levels."""

    offset: Array
    population: Array
    values: tuple[Array, ...]
    codes: tuple[Array, ...]


class Linear(NamedTuple):
    """A predictor of N rows: its coefficients on the device, the columns on the host."""

    coefficients: Coefficients
    columns: Columns

    def __call__(self, start: int, size: int) -> Array:
        """(size, S) linear predictor of rows from ``start``; past the last one rows of zeros."""
        columns = jax.tree.map(lambda part: _padded(part[start : start + size], size), self.columns)
        return _evaluate(self.coefficients, columns)

    def at(self, rows: np.ndarray) -> Array:
        """(R, S) linear predictor of (R,) rows."""
        return _evaluate(self.coefficients, jax.tree.map(lambda part: part[rows], self.columns))


def make_linear(
    spec: Spec, p: int, draws: Draws, rows: Rows, new: Mapping[tuple[int, int], np.ndarray]
) -> Linear:
    """The linear predictor ``p``; ``new`` has the effects of levels beyond the known ones."""
    keys = [(b, q) for b, q in rows.varying if spec.blocks[b].terms[q].predictor == p]
    effects = {key: _with_new(draws.effect(*key), new.get(key)) for key in keys}
    members = [(key, m) for key in keys for m in range(_index(spec, rows, key).codes.shape[1])]
    ones = np.ones((len(rows), 1))
    columns = Columns(
        offset=rows.offsets.get(p, np.zeros(len(rows))),
        population=np.concatenate([ones, rows.population[p]], axis=1),
        values=tuple(_values(spec, rows, key, m) for key, m in members),
        codes=tuple(_index(spec, rows, key).codes[:, m] for key, m in members),
    )
    intercept = np.zeros(draws.size)
    if spec.predictors[p].intercept is not None:
        intercept = draws[intercept_name(spec, p)]
    population = np.stack([intercept, *column_coefficients(spec, p, draws)])
    by_member = tuple(effects[key] for key, _ in members)
    return Linear(jax.device_put(Coefficients(population, by_member)), columns)


def _index(spec: Spec, rows: Rows, key: tuple[int, int]) -> Index:
    return rows.index[spec.blocks[key[0]].factor]


def _values(spec: Spec, rows: Rows, key: tuple[int, int], m: int) -> np.ndarray:
    """(N,) column of a term, times the weights of the m-th membership where there are several."""
    weights = _index(spec, rows, key).weights
    return rows.varying[key] if weights is None else rows.varying[key] * weights[:, m]


def column_coefficients(spec: Spec, p: int, draws: Mapping) -> Iterator:
    """Of ``draws`` by name, those of each column's coefficient: of steps ``b D zeta``."""
    yield from (draws[name] for name in coefficient_names(spec, p))
    for b, simplex in monotonic_names(spec, p):
        yield from (draws[b] * len(simplex) * draws[name] for name in simplex)
    for _, wiggly in smooth_names(spec, p):
        yield from (draws[name] for name in wiggly)


def _with_new(known: np.ndarray, new: np.ndarray | None) -> np.ndarray:
    return known if new is None else np.concatenate([known, new])


def _padded(part: np.ndarray, size: int) -> np.ndarray:
    return np.pad(part, [(0, size - len(part)), *[(0, 0)] * (part.ndim - 1)])


@jax.jit
def _evaluate(coefficients: Coefficients, columns: Columns) -> Array:
    eta = jnp.matmul(columns.population, coefficients.population, precision=lax.Precision.HIGHEST)
    for effect, values, codes in zip(coefficients.effects, columns.values, columns.codes, strict=True):
        eta = eta + values[:, None] * effect[codes]
    return eta + columns.offset[:, None]
