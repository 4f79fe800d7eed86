"""The density by the kernel for canonical links against the one that XLA compiles from the family's law."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

import hmlm as hm
from hmlm.density.backend import Backend
from hmlm.density.build import make_log_density
from hmlm.density.pilot import fit_pilot
from hmlm.density.plan import make_plan
from hmlm.kernels.native.library import available

from ..helpers import points

pytestmark = pytest.mark.skipif(not available(), reason="the native kernels were not compiled")


def table() -> pd.DataFrame:
    rng = np.random.default_rng(2)
    n = 90
    trials = rng.integers(1, 6, n)
    return pd.DataFrame(
        {
            "x": rng.normal(size=n),
            "g": np.arange(n) % 7,
            "n": trials,
            "y": rng.integers(0, trials + 1),
            "b": rng.integers(0, 2, n),
            "w": rng.uniform(0.5, 2.0, n),
        }
    )


MODELS = {
    "bernoulli": ("b ~ x + (1 + x | g)", "bernoulli"),
    "weighted": ("b | weights(w) ~ x + (1 | g)", "bernoulli"),
    "binomial": ("y | trials(n) ~ x + (1 + x | g)", "binomial"),
    "poisson": ("y ~ x + (1 || g)", "poisson"),
    "rate": ("y | rate(n) ~ x + (1 | g)", "poisson"),
    "without_groups": ("b ~ x", "bernoulli"),
}


@pytest.mark.parametrize("name", MODELS)
def test_kernel_and_law_give_one_density(name):
    formula, family = MODELS[name]
    model = hm.model(formula, table(), family=family)
    pilot, plan = fit_pilot(model.spec, model.design), make_plan(model.spec, "auto")
    law, kernel = (
        make_log_density(model.spec, model.design, pilot, plan, backend)
        for backend in (Backend.XLA, Backend.NATIVE)
    )
    assert kernel.data.fused is not None
    x = points(law, 5)
    values, gradients = zip(*(law.value_and_grad(row) for row in x), strict=True)
    found, slopes = zip(*(kernel.value_and_grad(row) for row in x), strict=True)
    np.testing.assert_allclose(found, values, rtol=1e-10)
    np.testing.assert_allclose(slopes, gradients, rtol=1e-8, atol=1e-8)


@pytest.mark.parametrize(
    ("formula", "family"),
    [
        ("b ~ x + (1 | g) + (1 | n)", "bernoulli"),
        ("b ~ offset(x) + (1 | g)", "bernoulli"),
        ("b ~ x + (1 | g)", "bernoulli(probit)"),
        ("y ~ x + (1 | g)", "negbinomial"),
    ],
)
def test_other_models_are_compiled_from_their_law(formula, family):
    density = hm.model(formula, table(), family=family, kernels="native").log_density
    assert density.data.fused is None
    assert np.isfinite(density(density.initial))
