"""The log likelihood in pieces against SciPy's normals, written out from what users see."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.special import logsumexp
from scipy.stats import multivariate_normal

from hmlm.density.pointwise import group_log_likelihood, row_log_likelihood
from hmlm.spec.names import coefficient_names, cor_names, intercept_name, rescor_names, sd_names, sigma_name
from hmlm.types import HmlmError

from ..helpers import planned, points, stated

Draw = dict[str, float]


def first_draw(density, x) -> Draw:
    return {name: float(values[0]) for name, values in density.constrain(x).items()}


def predictor(model, draw: Draw, effects, p: int) -> np.ndarray:
    """(N,) linear predictor from draws, effects and the design's matrices."""
    spec, design = model.spec, model.design
    eta = np.zeros(spec.n_rows)
    if spec.predictors[p].intercept is not None:
        eta += draw[intercept_name(spec, p)]
    for name, column in zip(
        coefficient_names(spec, p), design.predictors[p].population.matrix.T, strict=True
    ):
        eta += draw[name] * column
    for block, u in zip(spec.blocks, effects, strict=True):
        index = design.factors[block.factor].index
        for q, term in enumerate(block.terms):
            if term.predictor == p:
                eta += design.predictors[p].groups[term.group].matrix[:, term.column] * u[index, q]
    return eta


def mean_and_sigma(model, draw: Draw, effects) -> tuple[np.ndarray, np.ndarray]:
    """(M, N) each."""
    spec = model.spec
    mean, sigma = [], []
    for m in range(len(spec.outcomes)):
        own = {q.dpar: i for i, q in enumerate(spec.predictors) if q.response == m}
        mean.append(predictor(model, draw, effects, own["mu"]))
        if "sigma" in own:
            sigma.append(np.exp(predictor(model, draw, effects, own["sigma"])))
        else:
            sigma.append(np.full(spec.n_rows, draw[sigma_name(spec, m)]))
    return np.stack(mean), np.stack(sigma)


def correlation(draw: Draw, pairs, size: int) -> np.ndarray:
    matrix = np.eye(size)
    for name, i, j in pairs:
        matrix[i, j] = matrix[j, i] = draw[name]
    return matrix


@pytest.mark.parametrize("name", ["crossed", "scale", "rescor", "rescor_scale", "uneven"])
def test_rows_given_their_effects(name):
    density, model = planned(name, "auto"), stated(name)
    x = points(density, 2)
    got = row_log_likelihood(density, x, seed=3)
    draw, effects = first_draw(density, x), [u[0] for u in density.effects(x, seed=3)]
    mean, sigma = mean_and_sigma(model, draw, effects)
    pairs = rescor_names(model.spec) if model.spec.rescor is not None else ()
    R = correlation(draw, pairs, len(mean))
    y = np.stack([outcome.values for outcome in model.design.outcomes])
    wanted = [
        multivariate_normal(cov=R * np.outer(sigma[:, n], sigma[:, n])).logpdf(y[:, n] - mean[:, n])
        for n in range(y.shape[1])
    ]
    np.testing.assert_allclose(got[0], wanted, rtol=1e-9)


def dense_groups(model, draw: Draw, effects, columns: list[int]) -> np.ndarray:
    """(J,) log density of every level's rows; effects ``columns`` of the one block integrated out."""
    spec, block = model.spec, model.spec.blocks[0]
    mean, sigma = mean_and_sigma(model, draw, effects)
    tau = np.array([draw[name] for name in sd_names(spec, block)])[np.argsort(block.order)]
    place = np.argsort(block.order)
    pairs = cor_names(spec, block) if block.cor is not None else ()
    R = correlation(draw, pairs, block.size)[:, place][place]
    known = [q for q in range(block.size) if q not in columns]
    covariance = R * np.outer(tau, tau)
    given = covariance[np.ix_(columns, columns)]
    if known:
        gain = covariance[np.ix_(columns, known)] @ np.linalg.inv(covariance[np.ix_(known, known)])
        given = given - gain @ covariance[np.ix_(known, columns)]
        shift = effects[0][:, known] @ gain.T
    else:
        shift = np.zeros((len(effects[0]), len(columns)))
    y, index = model.design.outcomes[0].values, model.design.factors[0].index
    Z = np.stack([model.design.predictors[0].groups[0].matrix[:, block.terms[q].column] for q in columns])
    out = []
    for j in range(len(effects[0])):
        rows = index == j
        residual = y[rows] - mean[0, rows] - shift[j] @ Z[:, rows]
        between = Z[:, rows].T @ given @ Z[:, rows]
        out.append(multivariate_normal(cov=between + np.diag(sigma[0, rows] ** 2)).logpdf(residual))
    return np.array(out)


@pytest.mark.parametrize("name", ["correlated", "varying_slope"])
def test_groups_with_every_effect_integrated_out(name):
    density, model = planned(name, "auto"), stated(name)
    x = points(density, 2)
    got = group_log_likelihood(density, x, seed=0, n_samples=1)
    block = model.spec.blocks[0]
    effects = [np.zeros((6, block.size))]
    wanted = dense_groups(model, first_draw(density, x), effects, list(range(block.size)))
    np.testing.assert_allclose(got[0], wanted, rtol=1e-9)


def test_groups_with_scale_effects_agree_with_quadrature():
    density, model = planned("scale_shared", "auto"), stated("scale_shared")
    x = points(density, 1)
    got = group_log_likelihood(density, x, seed=1, n_samples=4000)[0]
    draw = first_draw(density, x)
    nodes, weights = np.polynomial.hermite_e.hermegauss(60)
    logs = [
        dense_groups(model, draw, [np.tile([draw["sd_g__sigma_Intercept"] * z, 0.0], (6, 1))], [1])
        for z in nodes
    ]
    wanted = logsumexp(np.array(logs), axis=0, b=weights[:, None] / weights.sum())
    np.testing.assert_allclose(got, wanted, atol=0.02)


def test_groups_need_one_factor():
    density = planned("crossed", "auto")
    with pytest.raises(HmlmError, match="one grouping factor; the model has g, h"):
        group_log_likelihood(density, points(density, 1), seed=0, n_samples=1)
