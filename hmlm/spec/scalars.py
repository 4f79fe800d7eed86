"""Every parameter with a prior of its own, by name: coefficients, constants, standard deviations."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from hmlm.spec.distribution import is_improper
from hmlm.spec.names import (
    coefficient_names,
    constant_names,
    intercept_name,
    monotonic_names,
    sd_coefficient_names,
    sd_names,
    smooth_names,
)
from hmlm.spec.shrinkage import is_shrinkage
from hmlm.spec.spec import JOINT, Block, Predictor, Spec
from hmlm.spec.support import Support
from hmlm.types import Distribution, PriorError

EXAMPLES = {
    Support.REAL: "normal(0, 1)",
    Support.POSITIVE: "exponential(1)",
    Support.UNIT: "beta(1, 1)",
    Support.ABOVE_ONE: "gamma(2, 0.1)",
}


class Scalar(NamedTuple):
    """One parameter.

    Attributes:
        name: of its draws; an intercept whose columns are centred has another value there.
        prior: of it.
        support: where it may lie.
        reach: what a prior says to reach it, ``'class_="b"'``.
    """

    name: str
    prior: Distribution
    support: Support
    reach: str


def scalar_priors(spec: Spec) -> Iterator[Scalar]:
    """All of them in the order of the sampler's coordinates, but blocks in brms's order.

    Coefficients that are shrunk are not among them: their prior depends on other parameters.
    """
    for p, predictor in enumerate(spec.predictors):
        where = _where(spec, predictor)
        if predictor.intercept is not None:
            yield Scalar(
                intercept_name(spec, p), predictor.intercept, Support.REAL, f'class_="Intercept"{where}'
            )
        for name, prior in zip(coefficient_names(spec, p), predictor.priors, strict=True):
            if not is_shrinkage(prior):
                yield Scalar(name, prior, Support.REAL, f'class_="b"{where}')
        for effect, (name, _) in zip(predictor.monotonic, monotonic_names(spec, p), strict=True):
            yield Scalar(name, effect.prior, Support.REAL, f'class_="b"{where}')
    for name, constant in zip(constant_names(spec), spec.constants, strict=True):
        reach = f'class_="{constant.dpar}"{_of_outcome(spec, constant.response)}'
        yield Scalar(name, constant.prior, constant.support, reach)
    for block in spec.blocks:
        yield from _standard_deviations(spec, block)
    for p, predictor in enumerate(spec.predictors):
        for smooth, (name, _) in zip(predictor.smooths, smooth_names(spec, p), strict=True):
            reach = f'class_="sds"{_where(spec, predictor, always=True)}'
            yield Scalar(name, smooth.prior, Support.POSITIVE, reach)
    for s, part in enumerate(spec.sds):
        for name, prior in zip(sd_coefficient_names(spec, s), part.priors, strict=True):
            yield Scalar(name, prior, Support.REAL, f'class_="b", dpar="{_dpar(spec, part.prefix)}"')


def check_proper(spec: Spec) -> None:
    """Raise PriorError, naming the parameters, if nothing can be drawn from some priors."""
    flat: dict[str, list[Scalar]] = {}
    for scalar in scalar_priors(spec):
        if is_improper(scalar.prior, scalar.support):
            flat.setdefault(scalar.reach, []).append(scalar)
    if flat:
        lines = [f"  {_names(found)}: {_advice(found[0])}" for found in flat.values()]
        raise PriorError("\n".join(["nothing can be drawn from a flat prior; give a proper one to", *lines]))


def _advice(scalar: Scalar) -> str:
    return f'for example prior("{EXAMPLES[scalar.support]}", {scalar.reach})'


def _names(found: list[Scalar]) -> str:
    return ", ".join(scalar.name for scalar in found)


def _standard_deviations(spec: Spec, block: Block) -> Iterator[Scalar]:
    for name, position in list(zip(sd_names(spec, block), block.order, strict=True))[: block.n_sd]:
        predictor = spec.predictors[block.terms[position].predictor]
        reach = f'class_="sd"{_where(spec, predictor, always=True)}'
        yield Scalar(name, block.sd[position], Support.POSITIVE, reach)


def _where(spec: Spec, predictor: Predictor, *, always: bool = False) -> str:
    """What narrows a prior down to a predictor; a mean's needs no outcome unless ``always``."""
    if predictor.dpar == "mu":
        return _of_outcome(spec, predictor.response) if always else ""
    return f', dpar="{predictor.dpar}"{_of_outcome(spec, predictor.response)}'


def _dpar(spec: Spec, prefix: str) -> str:
    """``sd_id`` of ``sd_id_NAstd``, with the outcome as an argument of its own."""
    for outcome in spec.outcomes if spec.multivariate else ():
        if prefix.endswith(f"_{outcome}"):
            return f'{prefix.removesuffix(f"_{outcome}")}", resp="{outcome}'
    return prefix


def _of_outcome(spec: Spec, response: int) -> str:
    return f', resp="{spec.outcomes[response]}"' if spec.multivariate and response != JOINT else ""
