"""The programs by hand state hmlm's models: equal log densities up to a constant, under the same names."""

from __future__ import annotations

from functools import cache

import jax
import numpy as np
import pytest
from numpyro.infer.util import log_density

import hmlm as hm
from gpu_benchmarks.affect_data import COLUMNS, arrays, good_start, named
from gpu_benchmarks.affect_models import FORMULAS, PRIORS
from gpu_benchmarks.affect_numpyro import PROGRAMS, estimates
from hmlm.datasets.affect import simulate_affect

from ..density.program_sites import FAST_COMPILE, program_sites

N_POINTS = 4
N_PEOPLE = 6


@cache
def table():
    """A few people with the columns of the published data."""
    return simulate_affect(n_people=N_PEOPLE, n_days=10)


@cache
def stated(name: str) -> hm.Model:
    """hmlm's model of those people; at so few, their outcomes must not change the default priors."""
    model = hm.model(FORMULAS[name], table(), prior=PRIORS[name])
    assert "student_t(3, 0, 2.5)" in model.explain() or name in ("m1", "m4", "m5")
    return model


def random_sites(name: str) -> dict[str, np.ndarray]:
    """Sites of the program by hand, (S, ...) each, around its starting values."""
    data, rng = arrays(COLUMNS[name], table()), np.random.default_rng(1)
    sites = {}
    for site, value in good_start(COLUMNS[name], data).items():
        noise = rng.normal(0, 0.3, (N_POINTS, *np.shape(value)))
        sites[site] = value * np.exp(noise) if site in ("sigma", "sd") else value + noise
    for factor in ("L", "L_rescor"):
        covariance = sites[factor] @ sites[factor].swapaxes(1, 2)
        sd = np.sqrt(np.einsum("sqq->sq", covariance))
        sites[factor] = np.linalg.cholesky(covariance / (sd[:, :, None] * sd[:, None]))
    return {site: value for site, value in sites.items() if site in used_sites(name)}


def used_sites(name: str) -> set[str]:
    """Names of the sites that a program has."""
    used = {"Intercept", "sd", "L", "z"}
    used |= {"b"} if COLUMNS[name].mean else set()
    used |= {"sigma"} if COLUMNS[name].scale is None else {"sigma_Intercept"}
    used |= {"sigma_b"} if COLUMNS[name].scale else set()
    return used | ({"L_rescor"} if len(COLUMNS[name].outcomes) > 1 else set())


def log_densities(program, arguments: dict, sites: dict[str, np.ndarray]) -> np.ndarray:
    """(S,) log densities, of correlation matrices rather than of their factors.

    ``p(R) = p(L) / prod_k L_kk^(Q - k)``: hmlm's factor has another order of the same coefficients.
    """
    with jax.enable_x64(True):
        one = jax.jit(
            lambda point: log_density(program, (), arguments, point)[0], compiler_options=FAST_COMPILE
        )
        values = np.array([one({name: v[s] for name, v in sites.items()}) for s in range(N_POINTS)])
    for name in sites:
        if name.startswith("L"):
            diagonal = np.einsum("sqq->sq", sites[name])
            values = values - np.log(diagonal) @ np.arange(diagonal.shape[1])[::-1]
    return values


def mapped(name: str, sites: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Sites of hmlm's own program at the same parameters and effects."""
    model, (block,) = stated(name), stated(name).spec.blocks
    draws = named(COLUMNS[name], table(), estimates({site: v[None] for site, v in sites.items()}))
    factor = sites["sd"][:, :, None] * sites["L"]
    u = np.einsum("sjq,spq->sjp", sites["z"], factor)[..., np.argsort(block.order)]
    return program_sites(model, {parameter: v[0] for parameter, v in draws.items()}, [u])


@pytest.mark.parametrize("name", PROGRAMS)
def test_log_density_is_hmlms_up_to_a_constant(name):
    sites, data = random_sites(name), arrays(COLUMNS[name], table())
    ours = log_densities(stated(name).numpyro_model, stated(name).model_kwargs, mapped(name, sites))
    by_hand = log_densities(lambda **data: PROGRAMS[name](N_PEOPLE, **data), data, sites)
    assert np.ptp(ours) > 1
    np.testing.assert_allclose(by_hand - ours, (by_hand - ours)[0], atol=1e-8)


@pytest.mark.parametrize("name", PROGRAMS)
def test_parameters_are_named_as_in_hmlm(name):
    sites = {site: value[None] for site, value in random_sites(name).items()}
    assert set(named(COLUMNS[name], table(), estimates(sites))) == set(stated(name).log_density.names)
