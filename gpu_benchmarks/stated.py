"""Every model as hmlm takes it: formula, family and priors."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from gpu_benchmarks import dating_model
from gpu_benchmarks.affect_models import FORMULAS, PRIORS


@dataclass(frozen=True)
class Stated:
    """What :func:`hmlm.model` takes beside the table; without a prior the defaults hold."""

    formula: str
    prior: str | None = None
    family: str = "gaussian"

    @property
    def options(self) -> dict[str, Any]:
        """Keywords of :func:`hmlm.model`."""
        return {"family": self.family, "prior": self.prior}


STATED: Mapping[str, Stated] = {
    **{name: Stated(formula, PRIORS[name]) for name, formula in FORMULAS.items()},
    dating_model.SPEED_DATING: Stated(dating_model.FORMULA, family=dating_model.FAMILY),
}
