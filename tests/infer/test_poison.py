"""A chain that meets NaN is rejected there and goes on; what chains learn together never sees it."""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from hmlm.density.log_density import log_density
from hmlm.infer import evaluate
from hmlm.infer.driver import sample
from hmlm.infer.program import forget_programs
from hmlm.infer.settings import CHEES, NUTS, Settings

from .small_model import small_model


@pytest.fixture(params=["value", "gradient"])
def wall(request, monkeypatch) -> float:
    """Where the first coordinate is larger than this, the density or its gradient alone is NaN."""
    density = small_model().log_density
    beyond = float(density.initial[0] + np.asarray(density.data.scale)[0])

    @jax.custom_jvp
    def nothing(x):
        return jnp.where((x > beyond) & (request.param == "value"), jnp.nan, 0.0)

    nothing.defjvps(lambda dx, _, x: jnp.where(x > beyond, jnp.nan, 0.0) * dx)

    def poisoned(static, x, data):
        return log_density(static, x, data) + nothing(x[0])

    forget()
    monkeypatch.setattr(evaluate, "log_density", poisoned)
    yield beyond
    forget()


def forget() -> None:
    evaluate.place_at.clear_cache()
    forget_programs()


@pytest.mark.parametrize(("algorithm", "chains"), [(NUTS, 4), (CHEES, 16)])
def test_nan_in_one_chain_is_its_own_rejection(wall, algorithm, chains):
    settings = Settings(chains=chains, warmup=200, draws=100, seed=1, algorithm=algorithm)
    draws = sample(small_model().log_density, settings).draws
    assert all(np.isfinite(leaf).all() for leaf in (draws.position, draws.lp, draws.step_size))
    assert draws.position[..., 0].max() <= wall
    assert draws.diverging.any() or (draws.acceptance_rate < 0.5).any()  # it was met
    moves = (np.diff(draws.position[..., 0], axis=1) != 0).mean(axis=1)
    assert moves.min() > 0.3  # of every chain
