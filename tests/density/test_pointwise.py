"""The log likelihood in pieces against SciPy's normals, written out from what users see."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.special import logsumexp
from scipy.stats import multivariate_normal, norm

import hmlm as hm
from hmlm.density.draws import named_draws
from hmlm.density.groupwise import group_log_likelihood
from hmlm.density.pointwise import row_log_likelihood
from hmlm.density.row_blocks import row_blocks
from hmlm.spec.names import coefficient_names, cor_names, intercept_name, rescor_names, sd_names, sigma_name
from hmlm.types import HmlmError

from ..helpers import even, planned, points, stated
from ..nights import by_night

Draw = dict[str, float]


def first_draw(density, x) -> Draw:
    return {name: float(values[0]) for name, values in density.constrain(x).items()}


def by_group(density, design, group: str, x, seed: int, n_samples: int) -> np.ndarray:
    """(..., J), effects and importance samples of one seed."""
    return group_log_likelihood(density, design, group, named_draws(density, x, seed), seed, n_samples)


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


@pytest.mark.parametrize(
    "name", by_night(["crossed", "scale", "rescor", "rescor_scale", "uneven"], "crossed", "rescor_scale")
)
def test_rows_given_their_effects(name):
    density, model = planned(name, "auto"), stated(name)
    x = points(density, 2)
    got = row_log_likelihood(density, named_draws(density, x, 3))
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


@pytest.mark.parametrize("name", ["crossed", "scale", "rescor_scale", "outcomes", "without_groups", "uneven"])
@pytest.mark.parametrize("size", by_night([7, 1000], 7))
def test_blocks_of_rows_are_the_same_rows(name, size):
    density, model = planned(name, "auto"), stated(name)
    x = points(density, 6).reshape(2, 3, -1)
    blocks = list(row_blocks(density, model.design, named_draws(density, x, 3), size=size, cdf=False))
    assert [block.rows.start for block in blocks] == list(range(0, model.spec.n_rows, size))
    got = np.concatenate([block.log_lik for block in blocks]).T
    wanted = row_log_likelihood(density, named_draws(density, x, 3)).reshape(6, -1)
    np.testing.assert_allclose(got, wanted, rtol=1e-9)


@pytest.mark.parametrize("name", ["crossed", "rescor_scale"])
def test_probabilities_below_the_observed_outcomes(name):
    density, model = planned(name, "auto"), stated(name)
    x = points(density, 2)
    blocks = row_blocks(density, model.design, named_draws(density, x, 3), size=7, cdf=True)
    got = np.concatenate([block.cdf for block in blocks], axis=1)[..., 0]
    mean, sigma = mean_and_sigma(model, first_draw(density, x), [u[0] for u in density.effects(x, seed=3)])
    y = np.stack([outcome.values for outcome in model.design.outcomes])
    np.testing.assert_allclose(got, norm(mean, sigma).cdf(y), rtol=1e-9, atol=1e-12)


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
    got = by_group(density, model.design, "g", x, 0, 1)
    block = model.spec.blocks[0]
    effects = [np.zeros((6, block.size))]
    wanted = dense_groups(model, first_draw(density, x), effects, list(range(block.size)))
    np.testing.assert_allclose(got[0], wanted, rtol=1e-9)


def test_groups_with_scale_effects_agree_with_quadrature():
    density, model = planned("scale_shared", "auto"), stated("scale_shared")
    x = points(density, 1)
    got = by_group(density, model.design, "g", x, 1, 4000)[0]
    draw = first_draw(density, x)
    nodes, weights = np.polynomial.hermite_e.hermegauss(60)
    logs = [
        dense_groups(model, draw, [np.tile([draw["sd_g__sigma_Intercept"] * z, 0.0], (6, 1))], [1])
        for z in nodes
    ]
    wanted = logsumexp(np.array(logs), axis=0, b=weights[:, None] / weights.sum())
    np.testing.assert_allclose(got, wanted, atol=0.02)


def covariance_of(model, draw: Draw, effects_out: set[str]) -> np.ndarray:
    """(N, N) covariance that the effects of some factors give the outcomes of a model without shared IDs."""
    spec, design = model.spec, model.design
    out = np.zeros((spec.n_rows, spec.n_rows))
    for block in spec.blocks:
        if spec.factors[block.factor].name not in effects_out:
            continue
        tau = np.array([draw[name] for name in sd_names(spec, block)])
        R = correlation(draw, cor_names(spec, block) if block.cor is not None else (), block.size)
        Z = np.stack([design.predictors[0].groups[t.group].matrix[:, t.column] for t in block.terms], 1)
        index = design.factors[block.factor].index
        out += (index[:, None] == index) * (Z @ (R * np.outer(tau, tau)) @ Z.T)
    return out


@pytest.mark.parametrize(
    ("name", "group", "out"),
    [
        ("crossed", "g", {"g"}),
        ("crossed", "h", {"h"}),
        ("nested", "g", {"g", "g:ward"}),
        ("nested", "g:ward", {"g:ward"}),
    ],
)
def test_groups_take_along_what_is_nested_in_them_and_nothing_else(name, group, out):
    density, model = planned(name, "auto"), stated(name)
    x = points(density, 2)
    got = by_group(density, model.design, group, x, 3, 1)[0]
    draw, effects = first_draw(density, x), [u[0] for u in density.effects(x, seed=3)]
    kept = [
        u * (model.spec.factors[block.factor].name not in out)
        for block, u in zip(model.spec.blocks, effects, strict=True)
    ]
    mean, sigma = mean_and_sigma(model, draw, kept)
    covariance = covariance_of(model, draw, out) + np.diag(sigma[0] ** 2)
    factor = next(factor for factor in model.design.factors if factor.name == group)
    residual = model.design.outcomes[0].values - mean[0]
    rows = [factor.index == j for j in range(len(factor.levels))]
    wanted = [multivariate_normal(cov=covariance[np.ix_(r, r)]).logpdf(residual[r]) for r in rows]
    np.testing.assert_allclose(got, wanted, rtol=1e-9)


def test_scale_effects_nested_in_a_group_count_too():
    formula = hm.bf("y ~ 1 + (1 | g)", sigma="~ 1 + (1 | g:ward)")
    model = hm.model(formula, even(0))
    density = model.log_density
    x = points(density, 1)
    got = by_group(density, model.design, "g", x, 1, 20000)[0]
    draw = first_draw(density, x)
    wards = next(factor for factor in model.design.factors if factor.name == "g:ward")
    index = next(factor for factor in model.design.factors if factor.name == "g").index
    z = np.random.default_rng(0).normal(size=(40000, len(wards.levels)))
    sigma = np.exp(draw["b_sigma_Intercept"] + draw["sd_g:ward__sigma_Intercept"] * z)[:, wards.index]
    residual = model.design.outcomes[0].values - draw["b_Intercept"]
    for j in range(6):
        rows = index == j
        s2, r, tau2 = sigma[:, rows] ** 2, residual[rows], draw["sd_g__Intercept"] ** 2
        a, b, c = (1 / s2).sum(1), (r / s2).sum(1), (r * r / s2).sum(1)
        logs = -0.5 * (np.log(2 * np.pi * s2).sum(1) + np.log1p(tau2 * a) + c - b * b / (a + 1 / tau2))
        wanted = logsumexp(logs) - np.log(len(logs))
        error = np.sqrt(np.exp(logsumexp(2 * (logs - wanted)) - 2 * np.log(len(logs))))
        assert abs(got[j] - wanted) < 4 * error + 0.03


def test_factors_side_by_side_within_the_group_are_refused():
    model = hm.model("y ~ 1 + (1 | g) + (1 | g:h) + (1 | g:ward)", even(0))
    density = model.log_density
    with pytest.raises(HmlmError, match="'g:.*' and 'g:.*' both lie within 'g' but not within each other"):
        by_group(density, model.design, "g", points(density, 1), 0, 1)
