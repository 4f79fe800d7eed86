"""What one engine took for one model, and what follows from it.

Imports hmlm only where effective sample sizes are asked for: the engines' own processes never do.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path

import numpy as np


@dataclass(frozen=True)
class Settings:
    """Of one run: a single chain of ``warmup`` and then ``draws`` draws."""

    warmup: int
    draws: int
    seed: int


@dataclass(frozen=True)
class Seconds:
    """Wall-clock seconds of one run.

    Attributes:
        setup: stating and compiling the model, from the table to the first draw.
        warmup, sampling: of the chain.
        everything: from the table to draws in hand.
    """

    setup: float
    warmup: float
    sampling: float
    everything: float


@dataclass(frozen=True)
class Measurement:
    """One run of one engine.

    Attributes:
        settings: of the run.
        seconds: what it took.
        leapfrogs: mean number of leapfrog steps per draw after warm-up.
        divergences: draws after warm-up that diverged.
        draws: population-level parameters, name -> (S,) draws after warm-up.
        versions: of the engine's packages.
    """

    settings: Settings
    seconds: Seconds
    leapfrogs: float
    divergences: int
    draws: Mapping[str, np.ndarray]
    versions: Mapping[str, str] = field(default_factory=dict)

    @property
    def values(self) -> np.ndarray:
        """(P, 1, S) draws by the parameters' names in alphabetical order."""
        return np.stack([self.draws[name] for name in sorted(self.draws)])[:, None]

    @property
    def bulk_ess(self) -> np.ndarray:
        """(P,) bulk effective sample sizes, as ``Fit.summary`` has them; 0 for a frozen parameter."""
        return bulk_ess(self.values)

    @property
    def smallest_ess(self) -> float:
        """The smallest bulk effective sample size of the population-level parameters."""
        return float(self.bulk_ess.min())


def bulk_ess(values: np.ndarray) -> np.ndarray:
    """(P,) bulk effective sample sizes of (P, C, S) draws, 0 for a frozen parameter."""
    from hmlm.results.convergence import convergence

    return np.nan_to_num(convergence(values).bulk)


def largest_z(ours: Sequence[Measurement], theirs: Sequence[Measurement]) -> float:
    """Largest difference of posterior means between two engines, the repeats of an engine as its chains.

    Raises:
        ValueError: their parameters differ.
    """
    if set(ours[0].draws) != set(theirs[0].draws):
        raise ValueError(f"parameters differ: {sorted(set(ours[0].draws) ^ set(theirs[0].draws))}")
    return largest_difference(*(np.concatenate([run.values for run in runs], 1) for runs in (ours, theirs)))


def largest_difference(ours: np.ndarray, theirs: np.ndarray) -> float:
    """Largest difference of means of (P, C, S) draws in Monte-Carlo standard errors.

    ``|mean - mean'| / sqrt(var / ESS + var' / ESS')`` over all parameters; of some twenty, 2 to 3 is chance.
    """
    means, variances = zip(*(_mean_and_variance(values) for values in (ours, theirs)), strict=True)
    return float(np.max(np.abs(means[0] - means[1]) / np.sqrt(variances[0] + variances[1])))


def _mean_and_variance(values: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """(P,) posterior means and their Monte-Carlo variances."""
    return values.mean((1, 2)), values.var((1, 2), ddof=1) / np.fmax(bulk_ess(values), 1)


def save(measurement: Measurement, path: Path) -> None:
    """Write a measurement as an npz file."""
    facts = {
        "settings": asdict(measurement.settings),
        "seconds": asdict(measurement.seconds),
        "leapfrogs": measurement.leapfrogs,
        "divergences": measurement.divergences,
        "versions": dict(measurement.versions),
        "names": list(measurement.draws),
    }
    np.savez(path, facts=json.dumps(facts), values=np.stack(list(measurement.draws.values())))


def load(path: Path) -> Measurement:
    """Read what :func:`save` wrote."""
    with np.load(path) as file:
        facts, values = json.loads(str(file["facts"])), file["values"]
    return Measurement(
        settings=Settings(**facts["settings"]),
        seconds=Seconds(**facts["seconds"]),
        leapfrogs=facts["leapfrogs"],
        divergences=facts["divergences"],
        draws=dict(zip(facts["names"], values, strict=True)),
        versions=facts["versions"],
    )


def median(values: Sequence[float]) -> float:
    """Of the repeats."""
    return float(np.median(values))
