"""hmlm: Bayesian multilevel and mixed-effects location scale models in JAX.

Names are loaded on first use, so that ``import hmlm`` and the command line start at once.
"""

from __future__ import annotations

import sys
from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from hmlm import datasets
    from hmlm.api import Model, fit, get_prior, load_fit, model, resume
    from hmlm.datasets import load_dataset
    from hmlm.density.custom_family import custom_family
    from hmlm.factories import (
        correlated_varying_intercept_slope,
        melsm,
        multivariate,
        varying_intercept,
        varying_intercept_slope,
        varying_slope,
    )
    from hmlm.formula.bf import bf, set_rescor
    from hmlm.results.anova import anova
    from hmlm.results.compare import Comparison, compare
    from hmlm.results.elpd import Elpd
    from hmlm.results.fit import Fit
    from hmlm.results.ml_fit import MlFit
    from hmlm.results.point_interval import mean_hdi, mean_qi, median_hdi, median_qi
    from hmlm.results.precis import precis
    from hmlm.spec.prior import prior
    from hmlm.types import (
        CheckpointWarning,
        ComparisonWarning,
        DataError,
        DataWarning,
        EstimationWarning,
        FormulaError,
        HmlmError,
        PriorError,
        SamplingWarning,
    )

_HOMES = {
    "hmlm.api": ("Model", "fit", "get_prior", "load_fit", "model", "resume"),
    "hmlm.datasets": ("load_dataset",),
    "hmlm.density.custom_family": ("custom_family",),
    "hmlm.factories": (
        "correlated_varying_intercept_slope",
        "melsm",
        "multivariate",
        "varying_intercept",
        "varying_intercept_slope",
        "varying_slope",
    ),
    "hmlm.formula.bf": ("bf", "set_rescor"),
    "hmlm.spec.prior": ("prior",),
    "hmlm.results.anova": ("anova",),
    "hmlm.results.compare": ("Comparison", "compare"),
    "hmlm.results.elpd": ("Elpd",),
    "hmlm.results.fit": ("Fit",),
    "hmlm.results.ml_fit": ("MlFit",),
    "hmlm.results.point_interval": ("mean_hdi", "mean_qi", "median_hdi", "median_qi"),
    "hmlm.results.precis": ("precis",),
    "hmlm.types": (
        "CheckpointWarning",
        "ComparisonWarning",
        "DataError",
        "DataWarning",
        "EstimationWarning",
        "FormulaError",
        "HmlmError",
        "PriorError",
        "SamplingWarning",
    ),
}
_HOME = {name: home for home, names in _HOMES.items() for name in names}

__version__ = "0.1.0"
__all__ = [
    "CheckpointWarning",
    "Comparison",
    "ComparisonWarning",
    "DataError",
    "DataWarning",
    "Elpd",
    "EstimationWarning",
    "Fit",
    "FormulaError",
    "HmlmError",
    "MlFit",
    "Model",
    "PriorError",
    "SamplingWarning",
    "anova",
    "bf",
    "compare",
    "correlated_varying_intercept_slope",
    "custom_family",
    "datasets",
    "fit",
    "get_prior",
    "load_dataset",
    "load_fit",
    "mean_hdi",
    "mean_qi",
    "median_hdi",
    "median_qi",
    "melsm",
    "model",
    "multivariate",
    "precis",
    "prior",
    "resume",
    "set_rescor",
    "varying_intercept",
    "varying_intercept_slope",
    "varying_slope",
]


def __getattr__(name: str) -> Any:
    if name == "datasets":
        return import_module("hmlm.datasets")
    if name not in _HOME:
        raise AttributeError(f"module 'hmlm' has no attribute {name!r}", name=name, obj=sys.modules[__name__])
    return getattr(import_module(_HOME[name]), name)


def __dir__() -> list[str]:
    return sorted(__all__)
