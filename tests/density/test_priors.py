"""Priors mean what SciPy says, and their unconstrained log densities what NumPyro says."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy import stats

from hmlm.density.priors import constrain, real_line_map, to_numpyro
from hmlm.spec.support import Support
from hmlm.types import Distribution

PRIORS = {
    Distribution("normal", (0.3, 2.0)): stats.norm(0.3, 2.0),
    Distribution("student_t", (4.0, -0.5, 1.5)): stats.t(4.0, -0.5, 1.5),
    Distribution("cauchy", (0.2, 0.7)): stats.cauchy(0.2, 0.7),
    Distribution("exponential", (2.0,)): stats.expon(scale=0.5),
    Distribution("gamma", (2.5, 1.5)): stats.gamma(2.5, scale=1 / 1.5),
    Distribution("lognormal", (-0.4, 0.6)): stats.lognorm(0.6, scale=np.exp(-0.4)),
    Distribution("uniform", (-1.0, 4.0)): stats.uniform(-1.0, 5.0),
}
BOTH = [(prior, positive) for prior in PRIORS for positive in (False, True)]
FLAT = Distribution("flat")
SUPPORT = {False: Support.REAL, True: Support.POSITIVE}
VALUES = np.array([0.1, 0.5, 1.3, 3.5])


@pytest.mark.parametrize(("prior", "positive"), BOTH, ids=str)
def test_numpyros_statement_is_scipys_truncated_at_zero(prior, positive):
    truth = PRIORS[prior]
    wanted = truth.logpdf(VALUES) - (np.log(truth.sf(0.0)) if positive else 0.0)
    with jax.enable_x64(True):
        got = to_numpyro(prior, SUPPORT[positive]).log_prob(jnp.asarray(VALUES))
    np.testing.assert_allclose(got, wanted, rtol=1e-9)


CASES = [
    (prior, positive, scale)
    for prior, positive in [*BOTH, (FLAT, False), (FLAT, True)]
    for scale in (None, 0.3)
    if positive or scale is None
]


@pytest.mark.parametrize(("prior", "positive", "scale"), CASES, ids=str)
def test_log_density_includes_the_jacobian(prior, positive, scale):
    with jax.enable_x64(True):
        transform = real_line_map(prior, support=SUPPORT[positive], scale=scale)
        x = transform.inv(jnp.asarray(VALUES))
        value, _ = constrain(prior, transform, x)
        np.testing.assert_allclose(value, VALUES, rtol=1e-10)
        slope = jax.vmap(jax.grad(lambda x: constrain(prior, transform, x[None])[0][0]))(x)
        _, got = constrain(prior, transform, x)
    density = 0.0 if prior == FLAT else PRIORS[prior].logpdf(VALUES)
    gap = np.array(got) - (density + np.log(np.asarray(slope)))
    np.testing.assert_allclose(gap, gap[0], rtol=0, atol=1e-9)
