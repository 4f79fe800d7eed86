"""From a spec and its design to the log density that will be sampled."""

from __future__ import annotations

from hmlm.density.backend import Backend
from hmlm.density.data import make_data
from hmlm.density.fused import make_fused_data
from hmlm.density.information import make_information, make_mixing, settle
from hmlm.density.log_density import LogDensity
from hmlm.density.mixing import device_mixing
from hmlm.density.pilot import Pilot
from hmlm.density.plan import Plan
from hmlm.density.precision import double_precision
from hmlm.density.shrinkage_start import make_known
from hmlm.density.start import make_start
from hmlm.density.state import DensityData, Static
from hmlm.density.statistics import make_statistics
from hmlm.kernels.arrays import on_device
from hmlm.spec.spec import Spec
from hmlm.types import Design


def make_log_density(
    spec: Spec, design: Design, pilot: Pilot, plan: Plan, backend: Backend = Backend.XLA
) -> LogDensity:
    """The log density of a model under a plan, its data in float64."""
    plan = settle(spec, design, pilot, plan)
    mixing = make_mixing(spec, design, pilot)
    information = make_information(spec, design, pilot, plan, mixing)
    shrinkage = make_known(spec, pilot)
    start = make_start(spec, plan, information, shrinkage, design, pilot, mixing)
    with double_precision():
        model = make_data(spec, design, plan)[0]
        statistics = make_statistics(spec, design, plan, pilot, mixing)
        fused = make_fused_data(Static(spec, plan, backend), design, model, statistics)
        data = DensityData(
            model=model,
            statistics=statistics,
            fused=fused,
            information=information,
            mixing=device_mixing(mixing),
            softplus=on_device(start.softplus),
            scale=on_device(start.width),
            shrinkage=shrinkage,
        )
    return LogDensity(spec, plan, data, initial=start.center / start.width, backend=backend)
