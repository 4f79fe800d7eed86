"""One chain of a NumPyro program by hand: NumPyro's NUTS with its defaults, compiled once.

The chain is advanced by a compiled loop over NumPyro's kernel, as ``numpyro.infer.MCMC`` does it, but
compiled ahead, so that compiling can be told from sampling and is not done twice.
"""

from __future__ import annotations

import math
import time
from typing import Any

import jax
import numpy as np
import pandas as pd
from numpyro.infer import NUTS, init_to_value
from numpyro.infer.util import constrain_fn

from gpu_benchmarks.by_hand import MODELS_BY_HAND
from gpu_benchmarks.measurement import Measurement, Seconds, Settings
from gpu_benchmarks.table import versions


def run(name: str, table: pd.DataFrame, settings: Settings) -> Measurement:
    """Model ``name`` with data as arguments of the compiled program."""
    began = time.perf_counter()
    by_hand = MODELS_BY_HAND[name](table)
    program, data = by_hand.program, by_hand.data
    kernel = NUTS(program, init_strategy=init_to_value(values=by_hand.start))
    state = kernel.init(jax.random.key(settings.seed), settings.warmup, None, (), data)
    chunk = math.gcd(settings.warmup, settings.draws)
    advance = _compiled(kernel, chunk, state, data)
    setup = time.perf_counter() - began
    state, warmup, _ = _advance(advance, state, data, settings.warmup // chunk)
    _, sampling, chunks = _advance(advance, state, data, settings.draws // chunk)
    z, n_steps, diverging = jax.tree.map(lambda *parts: np.concatenate(parts), *chunks)
    everything = time.perf_counter() - began
    sites = jax.jit(jax.vmap(lambda one: constrain_fn(program, (), data, one)))(z)
    draws = by_hand.named({site: value[None] for site, value in sites.items()})
    return Measurement(
        settings=settings,
        seconds=Seconds(setup, warmup, sampling, everything),
        leapfrogs=float(n_steps.mean()),
        divergences=int(diverging.sum()),
        draws={parameter: values[0] for parameter, values in draws.items()},
        versions=versions(["numpyro", "jax", "jaxlib"]),
    )


def _compiled(kernel: NUTS, chunk: int, state: Any, data: dict[str, np.ndarray]) -> Any:
    """(state, data) -> state after ``chunk`` draws, and these draws."""

    def step(state: Any, data: dict) -> tuple[Any, tuple]:
        state = kernel.sample(state, (), data)
        return state, (state.z, state.num_steps, state.diverging)

    def advance(state: Any, data: dict) -> tuple[Any, tuple]:
        return jax.lax.scan(lambda state, _: step(state, data), state, None, length=chunk)

    return jax.jit(advance).lower(state, data).compile()


def _advance(advance: Any, state: Any, data: dict, n_chunks: int) -> tuple[Any, float, list]:
    """State after so many chunks, the seconds they took, and their draws on the host."""
    began, chunks = time.perf_counter(), []
    for _ in range(n_chunks):
        state, draws = advance(state, data)
        chunks.append(jax.tree.map(np.asarray, draws))
    return state, time.perf_counter() - began, chunks
