"""The PyMC models state what the NumPyro programs state, in hierarchically centred effects."""

from __future__ import annotations

import numpy as np
import pytest

from gpu_benchmarks.affect_data import COLUMNS, arrays, named
from gpu_benchmarks.affect_numpyro import PROGRAMS, estimates

from .test_affect_numpyro import N_PEOPLE, N_POINTS, log_densities, random_sites, table

pytest.importorskip("pymc")
COVARIATES = {"Intercept": "steps.pm", "steps.pmd": "steps.pm:steps.pmd"}


def group_means(name: str, draws: dict[str, np.ndarray]) -> np.ndarray:
    """(S, J, Q) means of people's coefficients."""
    steps = table().groupby("id")["steps.pm"].first().to_numpy()
    means = []
    for term in COLUMNS[name].terms:
        prefix = "sigma_" if term.startswith("sigma_") else ""
        covariate = f"b_{prefix}{COVARIATES.get(term.removeprefix(prefix))}"
        slope = draws.get(covariate, np.zeros(N_POINTS))
        means.append(draws[f"b_{term}"][:, None] + slope[:, None] * steps)
    return np.stack(means, axis=-1)


def packed(sd: np.ndarray, factor: np.ndarray) -> np.ndarray:
    """(S, Q (Q + 1) / 2) covariance factor as PyMC packs it, its diagonal logged."""
    covariance_factor = sd[:, :, None] * factor
    diagonal = np.arange(sd.shape[1])
    covariance_factor[:, diagonal, diagonal] = np.log(covariance_factor[:, diagonal, diagonal])
    rows, columns = np.tril_indices(sd.shape[1])
    return covariance_factor[:, rows, columns]


def log_jacobian(sd: np.ndarray, factor: np.ndarray) -> np.ndarray:
    """(S,) log Jacobian of ``diag(sd) L`` in sd and the correlation matrix ``R = L L'``.

    ``sum_k (k - 1) log sd_k - (Q - k + 1) log L_kk``
    """
    size = sd.shape[1]
    log_diagonal = np.log(np.einsum("sqq->sq", factor))
    return np.log(sd) @ np.arange(size) - log_diagonal @ (size - np.arange(size))


def pymc_points(name: str, sites: dict[str, np.ndarray]) -> tuple[dict[str, np.ndarray], np.ndarray]:
    """PyMC's unconstrained values at the sites, and the (S,) log Jacobian that makes densities equal."""
    sd, factor = sites["sd"], sites["L"]
    draws = named(COLUMNS[name], table(), estimates({site: value[None] for site, value in sites.items()}))
    u = np.einsum("sjq,spq->sjp", sites["z"], sd[:, :, None] * factor)
    points = {
        "person": group_means(name, {parameter: value[0] for parameter, value in draws.items()}) + u,
        "L_cholesky-cov-packed__": packed(sd, factor),
        **{site: sites[site] for site in ("Intercept", "b", "sigma_Intercept", "sigma_b") if site in sites},
    }
    scale = np.log(sd * np.einsum("sqq->sq", factor)).sum(1)
    jacobian = N_PEOPLE * scale + log_jacobian(sd, factor)
    if "L_rescor" in sites:
        points["L_rescor_cholesky-cov-packed__"] = packed(sites["sigma"], sites["L_rescor"])
        jacobian = jacobian + log_jacobian(sites["sigma"], sites["L_rescor"])
    elif "sigma" in sites:
        points["sigma_log__"] = np.log(sites["sigma"])
    return points, jacobian


@pytest.mark.parametrize("name", PROGRAMS)
def test_log_density_is_the_numpyro_programs_up_to_a_constant(name):
    from gpu_benchmarks.affect_pymc import make_model

    sites = random_sites(name)
    points, jacobian = pymc_points(name, sites)
    compiled = make_model(name, table()).compile_logp(jacobian=False, mode="FAST_COMPILE")
    theirs = np.array([compiled({n: v[s] for n, v in points.items()}) for s in range(N_POINTS)])
    data = arrays(COLUMNS[name], table())
    ours = log_densities(lambda **data: PROGRAMS[name](N_PEOPLE, **data), data, sites) - jacobian
    assert np.ptp(ours) > 1
    np.testing.assert_allclose(theirs - ours, (theirs - ours)[0], atol=1e-8)


@pytest.mark.parametrize("name", PROGRAMS)
def test_every_variable_has_a_start_of_its_shape(name):
    from gpu_benchmarks.affect_pymc import initial_points, make_model

    model = make_model(name, table())
    start, shapes = initial_points(name, table(), model, seed=1), model.eval_rv_shapes()
    assert {n: np.shape(v) for n, v in start.items()} == {v.name: shapes[v.name] for v in model.free_RVs}
    assert all(np.isfinite(value).all() for value in start.values())
