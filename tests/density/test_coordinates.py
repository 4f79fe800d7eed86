"""Coordinates can be inverted, and their log density is the effects' prior in those coordinates."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from hmlm.density.coordinates import Coordinates, Information, effects, invert

from ..helpers import KINDS

Q, J, P = 3, 4, 5


def information(amount: float = 1.0) -> Information:
    rng = np.random.default_rng(1)
    root = rng.normal(size=(J, Q, Q + 1))
    precision = np.moveaxis(root @ root.swapaxes(1, 2), 0, -1)
    rest = [rng.normal(size=shape) for shape in ((Q, J), (P, Q, J), (P, Q, J))]
    with jax.enable_x64(True):
        return Information(*(jnp.asarray(amount * part) for part in (precision, *rest)), predictors=(0,))


def arguments() -> tuple[jax.Array, jax.Array, jax.Array]:
    """zeta, factor, beta."""
    rng = np.random.default_rng(2)
    factor = np.tril(rng.normal(size=(Q, Q)), -1) + np.diag([0.4, 1.0, 1.7])
    with jax.enable_x64(True):
        return jnp.asarray(rng.normal(size=(Q, J))), jnp.asarray(factor), jnp.asarray(rng.normal(size=P))


@pytest.mark.parametrize("kind", KINDS)
def test_invert_recovers_the_coordinates(kind):
    zeta, factor, beta = arguments()
    with jax.enable_x64(True):
        u = effects(kind, zeta, factor, beta, information()).u
        np.testing.assert_allclose(invert(kind, u, factor, beta, information()), zeta, rtol=1e-9, atol=1e-10)


@pytest.mark.parametrize("kind", KINDS)
def test_log_density_is_the_prior_of_z_and_the_jacobian(kind):
    zeta, factor, beta = arguments()

    def z(zeta: jax.Array) -> jax.Array:
        u = effects(kind, zeta, factor, beta, information()).u
        return jnp.linalg.solve(factor, u)

    def prior_and_jacobian(zeta: jax.Array) -> jax.Array:
        jacobian = jax.jacrev(z)(zeta).reshape(Q * J, Q * J)
        return -0.5 * jnp.sum(z(zeta) ** 2) + jnp.linalg.slogdet(jacobian)[1]

    with jax.enable_x64(True):
        got = effects(kind, zeta, factor, beta, information()).log_density.sum()
        assert float(got) == pytest.approx(float(jax.jit(prior_and_jacobian)(zeta)), rel=1e-10)


def test_without_information_informed_is_noncentered():
    zeta, factor, beta = arguments()
    with jax.enable_x64(True):
        informed = effects(Coordinates.INFORMED, zeta, factor, beta, information(0.0))
        plain = effects(Coordinates.NONCENTERED, zeta, factor, beta, information(0.0))
    np.testing.assert_allclose(informed.u, plain.u, rtol=1e-12)
    assert float(informed.log_density.sum()) == pytest.approx(float(plain.log_density.sum()))
