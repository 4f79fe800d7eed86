"""What is ranked: parameters, some group effects, and two log densities that tie them to the data.

Written from the definitions, in NumPy: nothing of the fast path is used here, so that a mistake in it cannot
cancel. Parameters go by draws' names, each (S,); effects are per block (S, J, Q) in the order of its terms.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from scipy import special

import hmlm as hm
from hmlm.spec.family import OutcomeKind
from hmlm.spec.names import (
    coefficient_names,
    constant_names,
    cor_names,
    intercept_name,
    rescor_names,
    sd_names,
    sigma_name,
    threshold_names,
)

from ..density.program_sites import level_scales
from ..scipy_laws import SCIPY

Values = Mapping[str, np.ndarray]
LEVELS = (0, -1)  # whose effects are ranked
INVERSE_LINKS = {"identity": lambda eta: eta, "log": np.exp, "logit": special.expit}


def quantities(model: hm.Model, outcomes: np.ndarray, values: Values, effects: list[np.ndarray]) -> Values:
    """Everything that is ranked, by name, each (S,).

    Log densities of the data given the effects, and of the effects given their covariance, see mistakes that
    ranks of single parameters miss (Modrak et al., 2023, doi:10.1214/23-BA1404).

    Args:
        model: its spec and design.
        outcomes: (M, N) simulated.
        values: population-level parameters.
        effects: group effects.
    """
    some = {
        f"u_{block.name}[{level},{q}]": u[:, level, q]
        for block, u in zip(model.spec.blocks, effects, strict=True)
        for level in LEVELS
        for q in range(block.size)
    }
    return {
        **values,
        **some,
        "log_rows": log_rows(model, outcomes, values, effects),
        "log_effects": log_effects(model, values, effects),
    }


def log_rows(model: hm.Model, outcomes: np.ndarray, values: Values, effects: list[np.ndarray]) -> np.ndarray:
    """(S,) log density of the rows given parameters and group effects."""
    if not model.spec.normal:
        return log_family_rows(model, outcomes[0], values, effects)
    spec, residual, log_sigma = model.spec, [], []
    for m in range(len(spec.outcomes)):
        eta = {
            p.dpar: predictor(model, i, values, effects)
            for i, p in enumerate(spec.predictors)
            if p.response == m
        }
        residual.append(outcomes[m] - eta["mu"])
        constant = None if "sigma" in eta else np.log(values[sigma_name(spec, m)])[:, None]
        log_sigma.append(eta["sigma"] if constant is None else constant + 0 * eta["mu"])
    log_scale = np.stack(log_sigma)
    standard = np.stack(residual) * np.exp(-log_scale)
    if spec.rescor_predictor is not None:
        rho = np.tanh(predictor(model, spec.rescor_predictor, values, effects))
        return _pairs_of_rows(standard, rho).sum(1) - log_scale.sum((0, 2))
    factor = np.linalg.cholesky(correlation(values, rescor_names(spec), len(standard), standard.shape[1]))
    white = np.linalg.solve(factor, standard.transpose(1, 0, 2))
    log_det = np.log(np.einsum("smm->sm", factor)).sum(1) * standard.shape[2]
    return -0.5 * (white**2).sum((1, 2)) - log_det - log_scale.sum((0, 2))


def _pairs_of_rows(standard: np.ndarray, rho: np.ndarray) -> np.ndarray:
    """(S, N) log density of (2, S, N) standardised residuals whose correlation differs between rows."""
    first, second = standard
    rest = 1.0 - rho**2
    return -0.5 * (first**2 - 2 * rho * first * second + second**2) / rest - 0.5 * np.log(rest)


def log_family_rows(
    model: hm.Model, outcome: np.ndarray, values: Values, effects: list[np.ndarray]
) -> np.ndarray:
    """(S,) log density of the rows of one outcome as scipy has it."""
    spec = model.spec
    natural = {dpar: values[dpar][:, None] for dpar in constant_names(spec)}
    for i, p in enumerate(spec.predictors):
        natural[p.dpar] = INVERSE_LINKS[spec.family.link(p.dpar)](predictor(model, i, values, effects))
    if spec.family.outcome is OutcomeKind.LEVELS:
        return log_level_rows(model, outcome.astype(int), values, natural)
    law = SCIPY[spec.family.name](natural, model.design.outcomes[0].additions.get("trials"))
    counts = (OutcomeKind.COUNT, OutcomeKind.BINARY, OutcomeKind.SUCCESSES)
    density = law.logpmf if spec.family.outcome in counts else law.logpdf
    return density(outcome).sum(1)


def log_level_rows(model: hm.Model, codes: np.ndarray, values: Values, eta: Values) -> np.ndarray:
    """(S,) log probability of the levels, between two thresholds each or by a multinomial logit."""
    if cuts := threshold_names(model.spec):
        inner = special.expit(np.stack([values[cut][:, None] - eta["mu"] for cut in cuts]))
        edges = np.concatenate([np.zeros_like(inner[:1]), inner, np.ones_like(inner[:1])])
        probabilities = np.diff(edges, axis=0)
    else:
        etas = [eta[dpar] for dpar in model.spec.family.locations]
        probabilities = special.softmax([np.zeros_like(etas[0]), *etas], axis=0)
    return np.log(np.take_along_axis(probabilities, codes[None, None], axis=0)[0]).sum(1)


def log_effects(model: hm.Model, values: Values, effects: list[np.ndarray]) -> np.ndarray:
    """(S,) log density of all group effects given standard deviations and correlations."""
    total = np.zeros(len(effects[0]))
    for b, (block, u) in enumerate(zip(model.spec.blocks, effects, strict=True)):
        scale = level_scales(model, b, values)
        sd = np.stack([values[name] for name in sd_names(model.spec, block)], axis=1)
        matrix = correlation(values, cor_names(model.spec, block), block.size, len(u))
        factor = sd[:, :, None] * np.linalg.cholesky(matrix)
        white = np.linalg.solve(factor, (u / scale)[:, :, list(block.order)].swapaxes(1, 2))
        log_det = np.log(np.einsum("sqq->sq", factor)).sum(1) * u.shape[1] + np.log(scale).sum((1, 2))
        total = total - 0.5 * (white**2).sum((1, 2)) - log_det
    return total


def predictor(model: hm.Model, p: int, values: Values, effects: list[np.ndarray]) -> np.ndarray:
    """(S, N) linear predictor ``p``, from the intercept of uncentred columns."""
    spec, design = model.spec, model.design
    part = design.predictors[p]
    level = 0.0 if spec.predictors[p].intercept is None else values[intercept_name(spec, p)][:, None]
    eta = level + np.zeros((len(next(iter(values.values()))), design.n_rows))
    for k, name in enumerate(coefficient_names(spec, p)):
        eta = eta + values[name][:, None] * part.population.matrix[:, k]
    for block, u in zip(spec.blocks, effects, strict=True):
        index = design.factors[block.factor].index
        for q, term in enumerate(block.terms):
            if term.predictor == p:
                eta = eta + u[:, index, q] * part.groups[term.group].matrix[:, term.column]
    return eta


def correlation(
    values: Values, pairs: tuple[tuple[str, int, int], ...], size: int, n_draws: int
) -> np.ndarray:
    """(S, size, size) correlation matrices from the draws of their entries."""
    matrix = np.tile(np.eye(size), (n_draws, 1, 1))
    for name, i, j in pairs:
        matrix[:, i, j] = matrix[:, j, i] = values[name]
    return matrix
