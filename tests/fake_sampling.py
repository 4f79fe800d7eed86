"""A sampler that doesn't sample: points around the pilot estimate, for tests of what happens to draws."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pytest

from hmlm.density.log_density import LogDensity
from hmlm.infer.draws import Draws
from hmlm.infer.driver import Run
from hmlm.infer.settings import Settings
from hmlm.types import SamplingWarning


@dataclass
class FakeSampler:
    """Stands in for :func:`hmlm.infer.driver.sample` and remembers the settings of each call."""

    calls: list[Settings] = field(default_factory=list)
    interrupted: bool = False

    def __call__(self, density: LogDensity, settings: Settings, **how: Any) -> Run:
        self.calls.append(settings)
        rng, shape = np.random.default_rng(settings.seed), (settings.chains, settings.draws)
        flat = {name: np.full(shape, 1.0) for name in Draws._fields if name != "position"}
        flat["diverging"] = np.zeros(shape, bool)
        position = density.initial + 0.3 * rng.normal(size=(*shape, density.size))
        return Run(Draws(position=position, **flat), {"sampling": 1.0}, self.interrupted)


@contextmanager
def fake_sampling(monkeypatch: pytest.MonkeyPatch) -> Iterator[FakeSampler]:
    """``Model.fit`` with a :class:`FakeSampler`, whose draws nobody is warned of."""
    fake = FakeSampler()
    monkeypatch.setattr("hmlm.api.sample", fake)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", SamplingWarning)
        yield fake
