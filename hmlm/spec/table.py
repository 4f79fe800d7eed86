"""Priors as a table and as lines: what can be set, and what is in force."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import NamedTuple

import numpy as np
import pandas as pd

from hmlm.spec.blocks import lay_out_blocks
from hmlm.spec.bounds import inherited, prior_and_bounds
from hmlm.spec.checks import check_family
from hmlm.spec.defaults import default_prior
from hmlm.spec.family import Family
from hmlm.spec.names import (
    coefficient_names,
    constant_names,
    effects_name,
    intercept_name,
    monotonic_names,
    sd_coefficient_names,
    sd_names,
    smooth_names,
    threshold_names,
    vector_name,
)
from hmlm.spec.prior import CLASSES
from hmlm.spec.resolve import asked_value, check_priors, reaching_priors
from hmlm.spec.spec import OF_SERIES, RESCOR_DPAR, Spec
from hmlm.spec.support import Support
from hmlm.spec.target import Target, list_targets
from hmlm.types import Design, Distribution, Prior

CENTERED = "at the means of its columns"
COLUMNS = ("prior", "class", "coef", "group", "resp", "dpar", "lb", "ub", "source")


def prior_table(design: Design, family: Family, priors: tuple[Prior, ...] = ()) -> pd.DataFrame:
    """The priors that can be set, one row each, like brms's ``get_prior``.

    A row with an empty prior inherits: a coefficient from its group, a group or outcome from its class.

    Returns:
        Columns prior, class, coef, group, resp, dpar, lb, ub, source (``"default"`` or ``"user"``).

    Raises:
        PriorError: a prior is invalid or reaches no parameter.
    """
    check_family(design, family)
    targets = list_targets(design, family, lay_out_blocks(design))
    check_priors(priors, targets)
    values = _values_by_address(design)
    stated = {_stated_address(prior, values): prior.distribution for prior in priors}
    listed = [address for target in targets for address in _addresses(target, values)]
    ranked = sorted(
        dict.fromkeys((*listed, *stated)), key=lambda address: list(CLASSES).index(address.class_)
    )
    rows = [_row(address, family, stated, values, _bounds(address, family, priors)) for address in ranked]
    return pd.DataFrame(rows, columns=list(COLUMNS))


def prior_lines(spec: Spec) -> tuple[str, ...]:
    """The priors in force, equal ones of one predictor together: ``"b ~ normal(0, 1)"``."""
    return tuple(
        f"{line.name} ~ {prior_and_bounds(line.distribution)}{f' ({line.note})' if line.note else ''}"
        for line in priors_in_force(spec)
    )


class PriorInForce(NamedTuple):
    """The prior of one parameter, or of several that share it.

    Attributes:
        name: of the draws, or what they have in common: ``"b"``, ``"sd_id"``.
        distribution: as stated, truncated to the support.
        support: of the parameter.
        size: rows of the matrix whose correlations these are, 0 for other parameters.
        note: what else there is to say.
    """

    name: str
    distribution: Distribution
    support: Support = Support.REAL
    size: int = 0
    note: str = ""


def priors_in_force(spec: Spec) -> tuple[PriorInForce, ...]:
    """What :func:`prior_lines` says, as values."""
    return (*_population_lines(spec), *_sd_lines(spec), *_cor_lines(spec), *_residual_lines(spec))


def _values_by_address(design: Design) -> dict[str, np.ndarray]:
    """Outcomes by what the column resp says: empty where there is only one."""
    if len(design.outcomes) == 1:
        return {"": design.outcomes[0].values}
    return {outcome.name: outcome.values for outcome in design.outcomes}


def _stated_address(prior: Prior, values: Mapping[str, np.ndarray]) -> Target:
    resp = "" if "" in values else asked_value(prior, "resp")
    return Target(prior.class_, prior.coef, prior.group, resp, asked_value(prior, "dpar"))


def _addresses(target: Target, values: Mapping[str, np.ndarray]) -> Iterator[Target]:
    """The rows that speak of ``target``, from the most general to its own."""
    own = replace(target, resp="") if "" in values else target
    if own.class_ in ("b", "Intercept") and own.dpar == "mu":
        yield replace(own, coef="", resp="")
    yield replace(own, coef="", group="")
    yield replace(own, coef="")
    yield own


def _row(
    address: Target,
    family: Family,
    stated: Mapping[Target, Distribution],
    values: Mapping[str, np.ndarray],
    bounds: tuple[str, str],
) -> tuple[str, ...]:
    text = str(stated[address]) if address in stated else _default_text(address, family, stated, values)
    source = "user" if address in stated else "default"
    dpar = "" if address.dpar == "mu" else address.dpar
    named = (address.class_, address.coef, address.group, address.resp, dpar)
    return text, *named, *bounds, source


def _bounds(address: Target, family: Family, priors: tuple[Prior, ...]) -> tuple[str, str]:
    """Lower and upper bound, empty for none; those of the class hold for its coefficients."""
    if address.class_ in OF_SERIES:
        return OF_SERIES[address.class_].bounds
    if address.class_ in family.dpars:
        return family.parameter(address.class_).support.bounds
    if address.class_ in ("sd", "sds"):
        return "0", ""
    stated = [prior.distribution for prior in reaching_priors(priors, address)]
    if not stated:
        return "", ""
    known = inherited(stated[0], stated[1:], f"class {address.class_}")
    return _bound(known.lb), _bound(known.ub)


def _bound(value: float | None) -> str:
    return "" if value is None else f"{value:g}"


def _default_text(
    address: Target,
    family: Family,
    stated: Mapping[Target, Distribution],
    values: Mapping[str, np.ndarray],
) -> str:
    """The default where it is in force at this row, empty where the row inherits."""
    known = address.resp in values or address.class_ in ("cor", "rescor") or address.dpar == RESCOR_DPAR
    inherits = address.coef or address.group or replace(address, resp="") in stated
    if inherits or not known:
        return ""
    return str(default_prior(address, family, values.get(address.resp)))


def _population_lines(spec: Spec) -> Iterator[PriorInForce]:
    priors = {name: c.prior for name, c in zip(threshold_names(spec), spec.thresholds, strict=True)}
    note = CENTERED if priors and spec.predictors[0].centered else ""
    yield from (line._replace(note=note) for line in _together("b_Intercept", priors))
    for p, predictor in enumerate(spec.predictors):
        if predictor.intercept is not None:
            note = CENTERED if predictor.centered else ""
            yield PriorInForce(intercept_name(spec, p), predictor.intercept, note=note)
        short = f"b_{predictor.prefix}" if predictor.prefix else "b"
        yield from _together(short, dict(zip(coefficient_names(spec, p), predictor.priors, strict=True)))
        for effect, (name, simplex) in zip(predictor.monotonic, monotonic_names(spec, p), strict=True):
            yield PriorInForce(name, effect.prior)
            yield PriorInForce(vector_name(simplex), Distribution("dirichlet", effect.simplex))
        for smooth, (name, _) in zip(predictor.smooths, smooth_names(spec, p), strict=True):
            yield PriorInForce(name, smooth.prior, Support.POSITIVE)


def _sd_lines(spec: Spec) -> Iterator[PriorInForce]:
    by_predictor: dict[str, dict[str, Distribution]] = {}
    for block in spec.blocks:
        for name, position in zip(sd_names(spec, block), block.order, strict=True):
            effects = effects_name(spec, block.factor, block.terms[position].predictor)
            by_predictor.setdefault(effects, {})[name] = block.sd[position]
    for effects, priors in by_predictor.items():
        yield from _together(f"sd_{effects.removeprefix('r_')}", priors, Support.POSITIVE)
    for s, part in enumerate(spec.sds):
        names = sd_coefficient_names(spec, s)
        yield from _together(f"b_{part.prefix}", dict(zip(names, part.priors, strict=True)))


def _cor_lines(spec: Spec) -> Iterator[PriorInForce]:
    for block in spec.blocks:
        if block.cor is not None:
            yield PriorInForce(f"cor_{block.name}", Distribution("lkj", (block.cor,)), size=block.size)
        if block.structure is not None:
            interval = Distribution("uniform", (block.lowest_rho, 1.0))
            yield PriorInForce(f"rho_{block.name}", interval, Support.CORRELATION)


def _residual_lines(spec: Spec) -> Iterator[PriorInForce]:
    for name, constant in zip(constant_names(spec), spec.constants, strict=True):
        if constant not in spec.thresholds:
            yield PriorInForce(name, constant.prior, constant.support)
    if spec.cortime is not None:
        yield PriorInForce("cortime", Distribution("lkj", (spec.cortime,)), size=len(spec.times))
    if spec.rescor is not None:
        yield PriorInForce("rescor", Distribution("lkj", (spec.rescor,)), size=len(spec.outcomes))


def _together(
    short: str, priors: Mapping[str, Distribution], support: Support = Support.REAL
) -> Iterator[PriorInForce]:
    """One line under the short name if several priors are equal, else one line each."""
    if len(priors) > 1 and len(set(priors.values())) == 1:
        yield PriorInForce(short, next(iter(priors.values())), support)
    else:
        yield from (PriorInForce(name, prior, support) for name, prior in priors.items())
