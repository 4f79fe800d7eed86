"""The call that states a prior of a standard deviation, and which of them have none."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hmlm.spec.distribution import is_flat
from hmlm.spec.names import sd_names
from hmlm.spec.spec import Block, Spec

if TYPE_CHECKING:
    from hmlm.results.fit import Fit

EXAMPLE = "exponential(1)"


def prior_call(fit: Fit, position: int) -> str:
    """``hm.prior("exponential(1)", class_="sd", coef="day", group="id", dpar="sigma")``, of a row."""
    row = fit.info.rows[position]
    if row.variable.startswith("sds_"):
        return _call({"class_": "sds"})
    found = None if fit.spec is None else _term(fit.spec, row.variable)
    return _call(found or {"class_": "sd", "group": row.group})


def flat_sds(fit: Fit) -> set[str]:
    """Draws' names of the standard deviations of group effects whose prior is flat."""
    if fit.spec is None:
        return set()
    return {
        name
        for block in fit.spec.blocks
        for name, position in zip(sd_names(fit.spec, block), block.order, strict=True)
        if is_flat(block.sd[position])
    }


def _call(fields: dict[str, str]) -> str:
    narrowed = ", ".join(f'{name}="{value}"' for name, value in fields.items() if value)
    return f'hm.prior("{EXAMPLE}", {narrowed})'


def _term(spec: Spec, variable: str) -> dict[str, str] | None:
    """What narrows a prior down to this standard deviation."""
    for block in spec.blocks:
        names = sd_names(spec, block)
        if variable in names:
            return _fields(spec, block, block.order[names.index(variable)])
    return None


def _fields(spec: Spec, block: Block, position: int) -> dict[str, str]:
    term = block.terms[position]
    predictor = spec.predictors[term.predictor]
    return {
        "class_": "sd",
        "coef": term.name,
        "group": spec.factors[block.factor].name,
        "resp": spec.outcomes[predictor.response] if spec.multivariate and predictor.response >= 0 else "",
        "dpar": "" if predictor.dpar == "mu" else predictor.dpar,
    }
