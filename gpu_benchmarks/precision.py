"""Gradients and posteriors of every device and precision against float64 on the CPU."""

from __future__ import annotations

import sys
from collections.abc import Iterator

import jax
import numpy as np

from gpu_benchmarks.chains import Where, posterior
from gpu_benchmarks.data import affect_table, described
from gpu_benchmarks.densities import stated
from gpu_benchmarks.machine import CPU, this_machine
from gpu_benchmarks.measurement import bulk_ess, largest_difference
from gpu_benchmarks.report import Report, Table
from gpu_benchmarks.sizes import Size
from hmlm.density.log_density import LogDensity, log_density
from hmlm.infer.draws import Draws
from hmlm.infer.initial import starting_points
from hmlm.infer.settings import Settings

N_POINTS = 20
CHAINS = 4
GRADIENTS = ("model", "where", "points", "largest error of value", "largest error of gradient", "not finite")
GRADIENTS_MEAN = f"""\
Against float64 on the CPU at {N_POINTS} over-dispersed points. Error of value: relative. Error of
gradient: largest entry of the difference over the largest entry of the gradient. Not finite: points
where value or gradient is not."""
POSTERIORS = (
    "model",
    "where",
    "draws",
    "smallest bulk ESS",
    "largest z of means",
    "largest ratio of standard deviations",
    "divergences",
)
POSTERIORS_MEAN = f"""\
{CHAINS} NUTS chains as one vmapped group, warm-up + kept draws of each, the same seed everywhere.
Largest z: of all posterior means of population-level parameters, the largest difference from float64 on
the CPU in Monte-Carlo standard errors (2 to 3 is chance). Ratio of standard deviations: the larger over
the smaller one."""


def report(size: Size, seed: int = 14) -> Report:
    """Both tables."""
    table = affect_table(size.data)
    densities = {name: stated(name, table).log_density for name in size.models}
    settings = Settings(
        chains=CHAINS, warmup=size.warmup, draws=size.draws, seed=seed, chunk=min(100, size.draws)
    )
    gradients = [row for name, density in densities.items() for row in gradient_rows(name, density)]
    posteriors = [
        row for name, density in densities.items() for row in posterior_rows(name, density, settings)
    ]
    of = f"({described(size.data, table)})"
    tables = [
        Table(f"Gradients {of}", GRADIENTS, gradients, GRADIENTS_MEAN),
        Table(f"Posteriors {of}", POSTERIORS, posteriors, POSTERIORS_MEAN),
    ]
    return Report("precision", tables, this_machine())


def places() -> list[Where]:
    """Float64 on the CPU first, then float32 and, on a GPU, both there."""
    cpu = jax.devices(CPU)[0]
    found = [Where(cpu, "float64"), Where(cpu, "float32")]
    device = jax.devices()[0]
    return found if device.platform == CPU else [*found, Where(device, "float64"), Where(device, "float32")]


def gradient_rows(name: str, density: LogDensity) -> Iterator[tuple]:
    """A row per place but the first."""
    points = starting_points(density, N_POINTS, seed=0)
    first, *others = places()
    values, gradients = evaluated(density, points, first)
    for where in others:
        value, gradient = evaluated(density, points, where)
        finite = np.isfinite(value) & np.isfinite(gradient).all(1)
        scale = np.abs(gradients).max(1)
        errors = np.abs(value - values) / np.abs(values), np.abs(gradient - gradients).max(1) / scale
        yield (
            name,
            where.label,
            N_POINTS,
            *(float(e[finite].max(initial=0)) for e in errors),
            int((~finite).sum()),
        )


def evaluated(density: LogDensity, points: np.ndarray, where: Where) -> tuple[np.ndarray, np.ndarray]:
    """(S,) values and (S, D) gradients at (S, D) points, computed there, in float64 here."""
    with where.precision():
        data = where.put(density.data)
        one = jax.jit(lambda x, data: jax.value_and_grad(log_density, argnums=1)(density.static, x, data))
        pairs = [jax.tree.map(np.asarray, one(where.put(x), data)) for x in points]
    values, gradients = (np.stack(part).astype(float) for part in zip(*pairs, strict=True))
    return values, gradients


def posterior_rows(name: str, density: LogDensity, settings: Settings) -> Iterator[tuple]:
    """A row per place, the first being what the others are held against."""
    reference = None
    for where in places():
        draws = posterior(density, settings, where)
        values = parameters(density, draws)
        reference = values if reference is None else reference
        row = _posterior_row(name, where, settings, draws, values, None if values is reference else reference)
        print(f"{name} {where.label}: smallest ESS {row[3]:.0f}", file=sys.stderr, flush=True)
        yield row


def _posterior_row(
    name: str,
    where: Where,
    settings: Settings,
    draws: Draws,
    values: np.ndarray,
    reference: np.ndarray | None,
) -> tuple:
    ratio = None if reference is None else np.log(values.std((1, 2)) / reference.std((1, 2)))
    return (
        name,
        where.label,
        f"{settings.warmup} + {settings.draws}",
        float(bulk_ess(values).min()),
        None if reference is None else largest_difference(values, reference),
        None if ratio is None else float(np.exp(np.abs(ratio).max())),
        int(draws.diverging.sum()),
    )


def parameters(density: LogDensity, draws: Draws) -> np.ndarray:
    """(P, C, S) population-level parameters, mapped from positions in float64."""
    named = density.constrain(np.asarray(draws.position, float))
    return np.stack([named[name] for name in density.names])
