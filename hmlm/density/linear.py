"""Linear predictors and residuals from parameters and group effects."""

from __future__ import annotations

from collections.abc import Iterable

import jax.numpy as jnp
from jax import Array

from hmlm.density.data import ModelData
from hmlm.density.parameters import Parameters
from hmlm.spec.spec import Spec


def coefficients_of(
    parameters: Parameters, predictors: tuple[int, ...], constants: tuple[tuple[int, str], ...] = ()
) -> Array:
    """(P,) population-level coefficients of these predictors, each with its intercept first.

    ``constants`` adds distributional parameters without a formula, by outcome and name.
    """
    parts = []
    for p in predictors:
        intercept = parameters.intercept[p]
        parts.extend([] if intercept is None else [intercept[None]])
        parts.append(parameters.b[p])
    parts.extend(parameters.constants[dpar][m][None] for m, dpar in constants)
    return jnp.concatenate(parts)


def linear_predictor(spec: Spec, p: int, parameters: Parameters, u: list[Array], data: ModelData) -> Array:
    """(T, L) linear predictor, ``u`` being the (Q, J) effects of every block; zero where rows are padded."""
    other = [
        (column, data.groups[block.factor].expand(value))
        for b, block in enumerate(spec.blocks)
        if block.factor != data.main
        for column, value in _varying(spec, p, b, u, data)
    ]
    spread = [
        (column, data.groups[data.main].expand(value) if value.ndim else value)
        for column, value in main_coefficients(spec, p, parameters, u, data).items()
    ]
    terms = [data.columns[column] * value for column, value in (*spread, *other)]
    terms.extend([data.offsets[p]] if p in data.offsets else [])
    return sum(terms, start=jnp.zeros(data.columns.shape[1:], data.columns.dtype))


def main_coefficients(
    spec: Spec, p: int, parameters: Parameters, u: list[Array], data: ModelData
) -> dict[int, Array]:
    """Coefficient of each column in a predictor, () or (J,) by group of the main factor."""
    found = _population(parameters, data, p)
    for b, block in enumerate(spec.blocks):
        if block.factor == data.main:
            found.extend(_varying(spec, p, b, u, data))
    return _by_column(found)


def stacked(spec: Spec, data: ModelData, coefficients: Iterable[Array]) -> Array:
    """(A, J) coefficients by group of the main factor, from () or (J,) each."""
    n_groups = 1 if data.main is None else spec.factors[data.main].n_levels
    return jnp.stack([jnp.broadcast_to(value, n_groups) for value in coefficients])


def _varying(spec: Spec, p: int, b: int, u: list[Array], data: ModelData) -> list[tuple[int, Array]]:
    """Columns of a block's coefficients in a predictor, with their (J,) effects."""
    terms = spec.blocks[b].terms
    return [(data.varying[b][q], u[b][q]) for q, term in enumerate(terms) if term.predictor == p]


def _by_column(coefficients: list[tuple[int, Array]]) -> dict[int, Array]:
    """Coefficients of each column, () or (J,), added up."""
    out: dict[int, Array] = {}
    for column, value in coefficients:
        out[column] = out[column] + value if column in out else value
    return out


def _population(parameters: Parameters, data: ModelData, p: int) -> list[tuple[int, Array]]:
    """Population-level coefficients of columns as they are stored, uncentred."""
    part, b, intercept = data.population[p], parameters.b[p], parameters.intercept[p]
    constant = -jnp.sum(part.means * b)
    out = [(0, constant if intercept is None else intercept + constant)]
    for i, (position, multiplier) in enumerate(zip(part.position, part.multiplier, strict=True)):
        out.append((position, b[i] if multiplier is None else b[i] * multiplier))
    return out


def predictor_of(spec: Spec, response: int, dpar: str) -> int | None:
    """Index of a predictor, None where the parameter has no formula."""
    found = [i for i, p in enumerate(spec.predictors) if (p.response, p.dpar) == (response, dpar)]
    return found[0] if found else None


def residuals(spec: Spec, parameters: Parameters, u: list[Array], data: ModelData) -> Array:
    """(M, T, L) outcomes minus means."""
    mean = [
        linear_predictor(spec, predictor_of(spec, m, "mu"), parameters, u, data)
        for m in range(len(spec.outcomes))
    ]
    return data.outcomes - jnp.stack(mean)


def log_sigmas(spec: Spec, parameters: Parameters, u: list[Array], data: ModelData) -> Array:
    """(M, T, L) log standard deviations, (M, 1, 1) where all are constant."""
    if all(sigma is not None for sigma in parameters.sigma):
        return jnp.log(jnp.stack(parameters.sigma))[:, None, None]
    parts = []
    for m, sigma in enumerate(parameters.sigma):
        p = predictor_of(spec, m, "sigma")
        constant = None if sigma is None else jnp.log(sigma) * data.columns[0]
        parts.append(linear_predictor(spec, p, parameters, u, data) if constant is None else constant)
    return jnp.stack(parts)
