"""What was asked for: model, priors and settings of a run, as values that a file can hold."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from hmlm.infer.settings import GIVEN, Settings
from hmlm.infer.starts import AUTO, NAMES
from hmlm.types import ModelFormula, Prior

OF_THE_DRAWS = (
    *("algorithm", "seed", "draws", "warmup", "chains", "target_accept", "metric", "max_tree_depth"),
    *("init", "resample", "thin", "keep"),
)


@dataclass(frozen=True)
class Statement:
    """Everything a fit was made from apart from its data.

    Attributes:
        formula: of the model.
        family: name of the response distribution.
        priors: those stated; the family's defaults fill the rest.
        density: how group effects are treated, see :func:`hmlm.model`.
        kernels: who computes the likelihood.
        data_name: what printed output calls the table.
        settings: of the run.
    """

    formula: ModelFormula
    family: str
    priors: tuple[Prior, ...]
    density: str | Mapping[str, str]
    kernels: str
    data_name: str
    settings: Settings


def differences(one: Statement, other: Statement) -> Iterator[str]:
    """What gives other draws: the formula, the family, the priors, ``density`` or settings of the run."""
    for name in ("formula", "family", "priors", "density"):
        if getattr(one, name) != getattr(other, name):
            yield name
    for name in OF_THE_DRAWS:
        if getattr(one.settings, name) != getattr(other.settings, name):
            yield name


def settings_given(settings: Settings) -> dict[str, object]:
    """The settings as keyword arguments of a run; points to start from are not kept."""
    said = {name: getattr(settings, name) for name in GIVEN}
    return said | ({"init": AUTO} if settings.init not in NAMES else {})
