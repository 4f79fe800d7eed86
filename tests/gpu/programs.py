"""The programs whose compilation is looked at: gradients and whole NUTS chunks of the affect models.

The data are simulated in the shape of the published ones (about 13 000 rows of 193 people), so that nothing
needs to be downloaded.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from typing import Any

import jax
import numpy as np
import pandas as pd

import hmlm as hm
from gpu_benchmarks.affect_models import FORMULAS, PRIORS
from hmlm.datasets.affect import simulate_affect
from hmlm.density.backend import Backend
from hmlm.density.build import make_log_density
from hmlm.density.log_density import LogDensity, log_density
from hmlm.density.pilot import fit_pilot
from hmlm.density.plan import make_plan
from hmlm.infer.algorithm import make_algorithm
from hmlm.infer.settings import NUTS, Settings

Tree = Any


@dataclass(frozen=True)
class Case:
    """A model of the affect data, and who computes its kernels."""

    model: str
    backend: Backend = Backend.XLA


CASES = {
    "m1": Case("m1"),
    "m2": Case("m2"),
    "m3": Case("m3"),
    "m4": Case("m4"),
    "m5": Case("m5"),
    "m4 pallas": Case("m4", Backend.PALLAS),
    "m5 pallas": Case("m5", Backend.PALLAS),
}


@cache
def density(name: str) -> LogDensity:
    """The log density of a case, made once."""
    case = CASES[name]
    model = hm.model(FORMULAS[case.model], _table(), prior=PRIORS[case.model])
    spec, design = model.spec, model.design
    return make_log_density(spec, design, fit_pilot(spec, design), make_plan(spec, "auto"), case.backend)


@cache
def _table() -> pd.DataFrame:
    return simulate_affect(n_people=193, n_days=95)


def as_type(tree: Tree, dtype: type) -> Tree:
    """Floating-point leaves in a precision, on the host."""
    leaves = jax.tree.map(np.asarray, tree)
    return jax.tree.map(lambda leaf: leaf.astype(dtype) if leaf.dtype.kind == "f" else leaf, leaves)


def gradient(of: LogDensity) -> Callable:
    """``(x (C, D), data) -> values (C,), gradients (C, D)``."""
    one = lambda x, data: jax.value_and_grad(log_density, argnums=1)(of.static, x, data)  # noqa: E731
    return jax.vmap(one, in_axes=(0, None))


def gradient_arguments(of: LogDensity, chains: int, dtype: type = np.float32) -> tuple[Tree, Tree]:
    """Arguments of :func:`gradient`."""
    x, data = as_type((of.initial, of.data), dtype)
    return np.tile(x, (chains, 1)), data


def chunk(
    of: LogDensity, chains: int, dtype: type = np.float32, algorithm: str = NUTS
) -> tuple[Callable, tuple[Tree, ...]]:
    """One chunk of draws of all chains, ``(states, data, n) -> (states, draws)``, and its arguments.

    The arguments are shapes: starting is another program.
    """
    sampler = make_algorithm(of, Settings(chains=chains, chunk=100, algorithm=algorithm), chains)
    x, data = gradient_arguments(of, chains, dtype)
    keys = np.zeros((chains, 2), np.uint32)
    return sampler.advance, (jax.eval_shape(sampler.start, keys, x, data), data, np.int32(100))
