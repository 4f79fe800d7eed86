"""Correlations of one rho, ``cs()``, ``ar1()`` and so on: the matrix, its prior, and the dense normal."""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np
import pandas as pd
import pytest
from scipy.stats import multivariate_normal

import hmlm as hm
from hmlm.density.structured import structured_factor, structured_unconstrained
from hmlm.types import HmlmError, PriorError, Structure

SD, SIGMA = np.array([0.7, 1.2, 0.9, 0.4]), 0.8
PLACES = np.arange(4)
LAGS = np.abs(PLACES[:, None] - PLACES)
LOWEST = {"cs": -1 / 3, "hetar1": -1.0}
EVERY = tuple(one.value for one in Structure)


def table() -> pd.DataFrame:
    """36 rows in shuffled order: 8 groups at up to four occasions, some of them twice."""
    rng = np.random.default_rng(3)
    g, f = np.divmod(np.arange(32), 4)
    g, f = np.append(g, [0, 0, 3, 7]), np.append(f, [1, 3, 2, 0])
    frame = pd.DataFrame({"g": g, "f": f, "x": rng.normal(size=36), "y": rng.normal(size=36)})
    return frame[frame.g * 4 + frame.f != 9].sample(frac=1.0, random_state=1).reset_index(drop=True)


DATA = table()


def correlations(structure: str, rho: float) -> np.ndarray:
    return np.where(LAGS == 0, 1.0, rho) if structure.endswith("cs") else np.float64(rho) ** LAGS


def stated(structure: str) -> hm.Model:
    return hm.model(f"y ~ 1 + {structure}(0 + factor(f) | g)", DATA)


@pytest.mark.parametrize("structure", LOWEST)
def test_the_factor_is_that_of_the_matrix_and_rho_is_uniform(structure):
    (block,) = stated(structure).spec.blocks
    low = LOWEST[structure]
    assert block.lowest_rho == low
    x = np.linspace(-4, 4, 9)
    with jax.enable_x64(True):
        run = jax.vmap(lambda one: structured_factor(block, one))
        factors, log_densities = map(np.asarray, run(jnp.asarray(x)))
        slopes = np.asarray(jax.vmap(jax.grad(lambda one: structured_factor(block, one)[0][1, 0]))(x))
    rho = factors[:, 1, 0]
    for factor, value in zip(factors, rho, strict=True):
        np.testing.assert_allclose(factor, np.linalg.cholesky(correlations(structure, value)), atol=1e-12)
    constant = log_densities - np.log(slopes)
    np.testing.assert_allclose(constant, constant[0], atol=1e-12)
    assert np.all((low < rho) & (rho < 1))
    for at, value in zip(x[3:6], rho[3:6], strict=True):
        assert structured_unconstrained(block, value) == pytest.approx(at)


@pytest.mark.parametrize("structure", LOWEST)
def test_the_factor_is_finite_where_rho_is_at_its_bounds(structure):
    (block,) = stated(structure).spec.blocks
    for x in (-9.0, 9.0):
        factor, log_density = structured_factor(block, jnp.float32(x))
        assert np.isfinite(factor).all() and np.isfinite(log_density)
        np.testing.assert_allclose(np.sum(np.square(factor), axis=1), 1.0, atol=1e-5)


@pytest.mark.parametrize("structure", EVERY)
@pytest.mark.parametrize("rho", [-0.3, 0.6])
def test_the_likelihood_is_one_dense_normal(structure, rho):
    R, own = correlations(structure, rho), SD if structure in LOWEST else np.full(4, SD[0])
    names = [f"factorf{f}" for f in PLACES]
    values = {"b_Intercept": 0.4, "sigma": SIGMA}
    values |= {f"sd_g__{name}": sd for name, sd in zip(names, own, strict=True)}
    values |= {f"cor_g__{names[i]}__{names[j]}": R[i, j] for j in PLACES for i in range(j)}
    same = DATA.g.to_numpy()[:, None] == DATA.g.to_numpy()
    covariance = (R * np.outer(own, own))[np.ix_(DATA.f, DATA.f)] * same + SIGMA**2 * np.eye(len(DATA))
    wanted = multivariate_normal(np.full(len(DATA), 0.4), covariance).logpdf(DATA.y)
    assert stated(structure).marginal_log_lik(values) == pytest.approx(wanted, abs=1e-9)


@pytest.mark.parametrize("structure", EVERY)
def test_draws_follow_from_the_coordinates(structure):
    """Standard deviations of the terms, equal or not, and correlations that one rho makes."""
    density = stated(structure).log_density
    draws = density.constrain(density.initial + np.linspace(-0.5, 0.5, density.size))
    sd = [float(np.squeeze(draws[f"sd_g__factorf{f}"])) for f in PLACES]
    pairs = {(i, j): np.squeeze(draws[f"cor_g__factorf{i}__factorf{j}"]) for j in PLACES for i in range(j)}
    R = correlations(structure, float(pairs[0, 1]))
    for pair, value in pairs.items():
        assert value == pytest.approx(R[pair], abs=1e-5)
    assert len(set(sd)) == (4 if structure in LOWEST else 1)
    assert density.layout.size == 3 + len(set(sd))


def test_one_standard_deviation_has_one_prior():
    prior = hm.prior("exponential(1)", class_="sd", coef="factorf1")
    with pytest.raises(PriorError, match=r"ar1\(… \| g\) has one standard deviation"):
        hm.model("y ~ ar1(0 + factor(f) | g)", DATA, prior=prior)


def test_likelihood_has_no_maximum_here():
    with pytest.raises(HmlmError, match=r"cs\(\) has no maximum-likelihood fit here: sample the model"):
        stated("cs").fit(algorithm="ml")
