"""Many NUTS chains of one density as one compiled group, on a device and in a precision of one's choice.

hmlm itself samples in float64 wherever it runs; this is the same program with data and positions in
another type.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from hmlm.density.log_density import LogDensity
from hmlm.infer.algorithm import stops
from hmlm.infer.draws import Draws
from hmlm.infer.initial import starting_points
from hmlm.infer.nuts import make_nuts
from hmlm.infer.placement import Placement
from hmlm.infer.program import Program, compile_program
from hmlm.infer.settings import Settings

Tree = Any


@dataclass(frozen=True)
class Where:
    """A device and a floating-point type, ``"float32"`` or ``"float64"``."""

    device: jax.Device
    dtype: str

    @property
    def label(self) -> str:
        """``"cpu float64"``."""
        return f"{self.device.platform} {self.dtype}"

    def precision(self):
        """Context in which JAX has this type."""
        return jax.enable_x64(self.dtype == "float64")

    def put(self, tree: Tree) -> Tree:
        """Arrays there, floating-point ones in this type."""
        host = jax.tree.map(np.asarray, tree)
        return jax.device_put(
            jax.tree.map(lambda a: a.astype(self.dtype) if a.dtype.kind == "f" else a, host), self.device
        )


@dataclass(frozen=True)
class Group:
    """C chains that advance together.

    Attributes:
        where: device and type.
        program: compiled for their shapes.
        data, state: on the device.
    """

    where: Where
    program: Program
    data: Tree
    state: Tree

    def advance(self, n: int) -> tuple[Group, Draws]:
        """The chains ``n`` draws later, and these on the host, (C, n, ...)."""
        with self.where.precision():
            state, draws = jax.block_until_ready(self.program.advance(self.state, self.data, np.int32(n)))
        return replace(self, state=state), jax.tree.map(lambda leaf: np.asarray(leaf)[:, :n], draws)

    def met(self) -> Group:
        """The chains after they learnt from each other."""
        with self.where.precision():
            return replace(self, state=self.program.algorithm.meet([self.state])[0])


def start_group(density: LogDensity, settings: Settings, where: Where) -> Group:
    """Chains at over-dispersed starting points, their program compiled."""
    placement = Placement(1, settings.chains, None, 1)
    with where.precision():
        key = jax.random.key_data(jax.random.key(settings.seed))
        keys = where.put(jnp.stack([jax.random.fold_in(key, c) for c in range(settings.chains)]))
        points = where.put(starting_points(density, settings.chains, settings.seed))
        data = where.put(density.data)
        program = compile_program(
            make_nuts(density.static, settings, settings.chains), placement, keys, points, data
        )
        state = jax.block_until_ready(program.start(keys, points, data))
    return Group(where, program, data, state)


def posterior(density: LogDensity, settings: Settings, where: Where) -> Draws:
    """Draws after warm-up, (C, S, ...)."""
    group, chunks = start_group(density, settings, where), []
    algorithm, done = group.program.algorithm, 0
    for end in stops(algorithm, settings):
        while done < end:
            n = min(algorithm.chunk, end - done)
            group, draws = group.advance(n)
            chunks.append(draws)
            done += n
        group = group.met() if done in algorithm.meetings else group
    whole = jax.tree.map(lambda *parts: np.concatenate(parts, axis=1), *chunks)
    return jax.tree.map(lambda a: a[:, settings.warmup :], whole)
