"""From a spec and its design to the log density that will be sampled."""

from __future__ import annotations

import jax.numpy as jnp

from hmlm.density.coordinates import Coordinates
from hmlm.density.data import make_data
from hmlm.density.information import make_information
from hmlm.density.layout import make_layout
from hmlm.density.log_density import DensityData, LogDensity
from hmlm.density.pilot import Pilot
from hmlm.density.precision import double_precision
from hmlm.density.start import make_start
from hmlm.spec.spec import Spec
from hmlm.types import Design


def make_log_density(spec: Spec, design: Design, pilot: Pilot, plan: tuple[Coordinates, ...]) -> LogDensity:
    """The log density of a model under a plan, its data in float64."""
    information = make_information(spec, design, pilot)
    start = make_start(spec, make_layout(spec), plan, information, pilot)
    with double_precision():
        data = DensityData(make_data(spec, design), information, jnp.asarray(start.width))
    return LogDensity(spec, plan, data, initial=start.center / start.width)
