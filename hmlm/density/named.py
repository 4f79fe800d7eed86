"""From names that users read to parameters: the inverse of :mod:`hmlm.density.constrained`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import jax.numpy as jnp
import numpy as np
from jax import Array

from hmlm.density.constrained import centering, constrained_names
from hmlm.density.data import ModelData
from hmlm.density.monotonic import from_named, n_named
from hmlm.density.parameters import Parameters, by_dpar
from hmlm.spec.names import (
    constant_names,
    cor_names,
    cortime_names,
    rescor_names,
    sd_coefficient_names,
    sd_names,
    sds_names,
)
from hmlm.spec.spec import Block, Spec

Pairs = Sequence[tuple[str, int, int]]


def parameters_of(spec: Spec, row: Array, data: ModelData) -> Parameters:
    """Parameters from (P,) values in the order of :func:`constrained_names`.

    A covariance matrix of group effects may be singular: a standard deviation of zero, a correlation of one.
    """
    value = dict(zip(constrained_names(spec), row, strict=True))
    coefficients = _coefficients(spec, row, data)
    matrices = [_matrix(block.size, cor_names(spec, block), value) for block in spec.blocks]
    rescor = None if spec.rescor is None else _matrix(len(spec.outcomes), rescor_names(spec), value)
    cortime = None if spec.cortime is None else _matrix(len(spec.times), cortime_names(spec), value)
    parameters = Parameters(
        intercept=tuple(intercept for intercept, _ in coefficients),
        b=tuple(b for _, b in coefficients),
        constants=by_dpar(spec, [value[name] for name in constant_names(spec)]),
        tau=tuple(_in_terms(block, _taus(spec, block, value)) for block in spec.blocks),
        correlation=tuple(
            psd_factor(_in_terms(block, _in_terms(block, matrix).T))
            for block, matrix in zip(spec.blocks, matrices, strict=True)
        ),
        rescor=None if rescor is None else psd_factor(rescor),
        gamma=tuple(
            jnp.stack([value[name] for name in sd_coefficient_names(spec, s)]) for s in range(len(spec.sds))
        ),
        sds=tuple(value[name] for name in sds_names(spec)),
        cortime=None if cortime is None else psd_factor(cortime),
    )
    return _centered(spec, parameters, data) if spec.thresholds else parameters


def _centered(spec: Spec, parameters: Parameters, data: ModelData) -> Parameters:
    """The same with thresholds for columns as the spec centres them."""
    shift, dpars = centering(spec, parameters, data), {c.dpar for c in spec.thresholds}
    constants = {
        dpar: tuple(value - shift for value in values) if dpar in dpars else values
        for dpar, values in parameters.constants.items()
    }
    return parameters._replace(constants=constants)


def psd_factor(matrix: Array) -> Array:
    """(Q, Q) lower factor of a positive semi-definite matrix; columns of zero pivots vanish."""
    size = matrix.shape[0]
    rows: list[list[Array]] = [[jnp.zeros((), matrix.dtype)] * size for _ in range(size)]
    for b in range(size):
        pivot = matrix[b, b] - sum(rows[b][k] ** 2 for k in range(b))
        positive = pivot > 1e-14
        rows[b][b] = jnp.where(positive, jnp.sqrt(jnp.where(positive, pivot, 1.0)), 0.0)
        for a in range(b + 1, size):
            rest = matrix[a, b] - sum(rows[a][k] * rows[b][k] for k in range(b))
            rows[a][b] = jnp.where(positive, rest / jnp.where(positive, rows[b][b], 1.0), 0.0)
    return jnp.stack([jnp.stack(row) for row in rows])


def correlation_matrices(spec: Spec, value: Mapping[str, float]) -> list[tuple[Pairs, np.ndarray]]:
    """Every correlation matrix of the model with the names of its entries, on the host."""
    named = [(block.size, cor_names(spec, block)) for block in spec.blocks]
    named.append((len(spec.outcomes), rescor_names(spec)))
    named.append((len(spec.times), cortime_names(spec)))
    return [(pairs, np.asarray(_filled(size, pairs, value))) for size, pairs in named if pairs]


def _coefficients(spec: Spec, row: Array, data: ModelData) -> list[tuple[Array | None, Array]]:
    """Per predictor its intercept (of columns as the spec centres them) and slopes."""
    out, start = [], 0
    for predictor, part in zip(spec.predictors, data.population, strict=True):
        n_intercepts, n_slopes = int(predictor.intercept is not None), n_named(predictor)
        b = from_named(predictor, row[start + n_intercepts : start + n_intercepts + n_slopes])
        out.append((row[start] + part.means @ b if n_intercepts else None, b))
        start += n_intercepts + n_slopes
    return out


def _taus(spec: Spec, block: Block, value: Mapping[str, Array]) -> Array:
    return jnp.stack([value[name] for name in sd_names(spec, block)])


def _in_terms(block: Block, reported: Array) -> Array:
    """Rows from brms's order to that of the block's terms."""
    return reported[np.argsort(block.order)]


def _matrix(size: int, pairs: Pairs, value: Mapping[str, Array]) -> Array:
    return jnp.stack([jnp.stack(row) for row in _filled(size, pairs, value)])


def _filled(size: int, pairs: Pairs, value: Mapping) -> list[list]:
    rows = [[jnp.ones(()) if a == c else jnp.zeros(()) for c in range(size)] for a in range(size)]
    for name, i, j in pairs:
        rows[i][j] = rows[j][i] = value[name]
    return rows
