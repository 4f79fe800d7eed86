"""Wiggly coefficients: with sds and sigma fixed the density has its mode at scipy's smoothing spline."""

import jax
import jax.numpy as jnp
import numpy as np
import pandas as pd
from numpy.testing import assert_allclose
from scipy.interpolate import make_smoothing_spline
from scipy.stats import norm

import hmlm as hm
from hmlm.density.smooth import coefficients_at
from hmlm.formula.smooth import mixed_model_transform
from hmlm.formula.smooth_basis import cubic_regression
from hmlm.spec.distribution import FLAT
from hmlm.spec.spec import Predictor, Smooth

N = 20


def test_log_density_is_the_normal_prior_and_the_jacobian():
    smooths = (Smooth("sx_1", "sx_1", 3, FLAT), Smooth("sz_1", "sz_1", 2, FLAT))
    predictor = Predictor(0, "mu", None, ("sx_1", "sz_1"), (FLAT, FLAT), False, "", (), smooths)
    sds = (0.7, 1.9)
    with jax.enable_x64(True):
        errors = jnp.array([0.2, 1.0, 5.0, 0.01, 1e6])
        x = jnp.asarray(np.random.default_rng(0).normal(size=7))
        at = lambda x: coefficients_at(predictor, x, tuple(map(jnp.asarray, sds)), errors)  # noqa: E731
        values, log_density, x = map(np.asarray, (*at(x), x))
        jacobian = np.asarray(jax.jacfwd(lambda x: at(x)[0])(x))
    scale = np.repeat(sds, (3, 2))
    wanted = norm.logpdf(values[2:], 0, scale).sum() + np.linalg.slogdet(jacobian)[1]
    assert_allclose(log_density, wanted + 2.5 * np.log(2 * np.pi))
    assert_allclose(values[:2], x[:2])
    assert_allclose(values[6], 1.9 * x[6])  # nothing known: the textbook's coordinates


def test_mode_given_sds_and_sigma_is_the_smoothing_spline():
    rng = np.random.default_rng(1)
    x = np.sort(rng.uniform(-1, 2, N))
    data = pd.DataFrame({"x": x, "y": np.sin(3 * x) + rng.normal(0, 0.3, N)})
    stated = hm.model(f'y ~ s(x, k = {N}, bs = "cr")', data, prior=hm.prior("", class_="Intercept"))
    density = stated.log_density
    n_linear = density.layout.b[0].stop  # the intercept comes first

    def gradient(z):
        return np.asarray(density.value_and_grad(start_with(z))[1])[:n_linear]

    def start_with(z):
        return np.concatenate([z, density.initial[n_linear:]])

    z = density.initial[:n_linear]
    here = gradient(z)
    hessian = np.stack([gradient(z + step) - here for step in np.eye(len(z))])  # it is quadratic in them
    found = density.constrain(start_with(z - np.linalg.solve(hessian, here)))
    columns = stated.design.predictors[0].population.matrix
    b = np.array([found["bs_sx_1"], *(found[f"s_sx_1[{k}]"] for k in range(1, N - 1))])
    basis = cubic_regression(x, N)
    transform = mixed_model_transform(basis.columns(x), basis.penalty)
    unit = transform[:, 1] @ basis.penalty @ transform[:, 1]
    cost = found["sigma"] ** 2 / found["sds_sx_1"] ** 2 / unit
    spline = make_smoothing_spline(x, data["y"], lam=float(cost))
    assert_allclose(found["b_Intercept"] + columns @ b, spline(x), atol=1e-6)
