"""New data of the same shape compile nothing, from stating the model to its loo; nor does another fit."""

from __future__ import annotations

import warnings

import jax
import numpy as np
import pytest

import hmlm as hm

from ..density.test_pad import MODELS, table

COMPILED: list[str] = []
RUN = {"chains": 2, "warmup": 20, "draws": 20, "progress": False}


@pytest.fixture(scope="module", autouse=True)
def listen():
    """Names of programs that JAX compiles, or reads from its cache, go to ``COMPILED``."""

    def heard(name: str, _: float, **about) -> None:
        if name.endswith("backend_compile_duration"):
            COMPILED.append(str(about.get("fun_name")))

    jax.monitoring.register_event_duration_secs_listener(heard)


def everything(name: str, seed: int) -> None:
    """State, plan, pilot, start, advance, named draws, effects, and what is made of them."""
    formula, how = MODELS[name]
    data = table(110, 11, seed)
    data["high"] = (data.y.rank() > 55).astype(int)  # as many rows of every kind
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        fit = hm.model(formula, data, **how).fit(seed=seed, **RUN)
        str(fit)
        assert np.isfinite(float(fit.log_lik().mean()))
        fit.loo()
        fit.predict(seed=seed)
        assert set(fit.effects) >= {"r_g"}


@pytest.mark.parametrize("name", ["statistics", "scale by level", "rows", "bernoulli"])
def test_new_data_of_equal_shape_compile_nothing(name):
    everything(name, 1)
    COMPILED.clear()
    everything(name, 2)
    assert COMPILED == []
