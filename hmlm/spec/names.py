"""The names and printed labels of draws, as brms has them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import combinations
from typing import NamedTuple

from hmlm.spec.spec import AR, OF_SERIES, Block, BlockTerm, Spec
from hmlm.spec.support import Support


class ParameterRow(NamedTuple):
    """A scalar parameter of the summary: the draw's name, brms's label, section and grouping factor.

    ``section`` is ``"group"``, ``"smooth"``, ``"population"``, ``"simplex"``, ``"series"``, ``"family"`` or
    ``"residual"``.
    """

    variable: str
    label: str
    section: str
    group: str = ""


def intercept_name(spec: Spec, p: int) -> str:
    """Draws of the intercept of predictor ``p``, ``"b_sigma_Intercept"``."""
    return f"b_{_with_prefix(spec, p, 'Intercept')}"


def coefficient_names(spec: Spec, p: int) -> tuple[str, ...]:
    """Draws of the K coefficients of predictor ``p`` apart from the intercept, ``"b_NAstd_PA_lag"``.

    Of the straight part of a smooth function ``"bs_sx_1"``.
    """
    lines = {smooth.line for smooth in spec.predictors[p].smooths}
    return tuple(
        f"{'bs' if name in lines else 'b'}_{_with_prefix(spec, p, name)}" for name in spec.predictors[p].names
    )


def monotonic_names(spec: Spec, p: int) -> tuple[tuple[str, tuple[str, ...]], ...]:
    """Draws of each monotonic effect of predictor ``p``: ``("bsp_mox", ("simo_mox1[1]", …))``."""
    return tuple(
        (
            f"bsp_{_with_prefix(spec, p, effect.name)}",
            tuple(f"simo_{_with_prefix(spec, p, effect.name)}1[{k + 1}]" for k in range(effect.size)),
        )
        for effect in spec.predictors[p].monotonic
    )


def smooth_names(spec: Spec, p: int) -> tuple[tuple[str, tuple[str, ...]], ...]:
    """Draws of each smooth function of predictor ``p``: ``("sds_sx_1", ("s_sx_1[1]", …))``."""
    named = ((_with_prefix(spec, p, smooth.name), smooth.size) for smooth in spec.predictors[p].smooths)
    return tuple((f"sds_{name}", tuple(f"s_{name}[{k + 1}]" for k in range(size))) for name, size in named)


def sds_names(spec: Spec) -> tuple[str, ...]:
    """Draws of the standard deviations of all smooth functions."""
    return tuple(sds for p in range(len(spec.predictors)) for sds, _ in smooth_names(spec, p))


def named_coefficients(spec: Spec, p: int) -> tuple[str, ...]:
    """Draws of all coefficients of a predictor apart from its intercept: monotonic effects, then smooths."""
    monotonic = (name for b, simplex in monotonic_names(spec, p) for name in (b, *simplex))
    wiggly = (name for _, names in smooth_names(spec, p) for name in names)
    return (*coefficient_names(spec, p), *monotonic, *wiggly)


def shrinkage_names(spec: Spec, p: int) -> tuple[str, ...]:
    """Draws of what the shrinkage prior of predictor ``p`` is made of: ``"hs_global"``, ``"hs_local[1]"``."""
    shrinkage = spec.predictors[p].shrinkage
    if shrinkage is None:
        return ()
    *single, many = (shrinkage_name(spec, p, name) for name in shrinkage.names)
    return (*single, *(f"{many}[{k + 1}]" for k in range(shrinkage.size)))


def shrinkage_name(spec: Spec, p: int, name: str) -> str:
    """One of them without its index, ``"hs_local_sigma"`` of predictor ``sigma``; ``"zb"`` of z."""
    prefix = spec.predictors[p].prefix
    return f"{name}_{prefix}" if prefix else name


def sd_names(spec: Spec, block: Block) -> tuple[str, ...]:
    """Draws of the Q standard deviations of a block in brms's order, ``"sd_id__sigma_Intercept"``."""
    factor = spec.factors[block.factor].name
    return tuple(f"sd_{factor}__{name}" for name in _reported_coefficients(spec, block))


def sd_coefficient_names(spec: Spec, s: int) -> tuple[str, ...]:
    """Draws of the W coefficients of a predictor of standard deviations, ``"b_sd_id_age"``."""
    return tuple(f"b_{spec.sds[s].prefix}_{name}" for name in spec.sds[s].names)


def cor_names(spec: Spec, block: Block) -> tuple[tuple[str, int, int], ...]:
    """Draws of a block's correlations in brms's order, each with its two positions in that order.

    ``("cor_id__Intercept__day", 0, 1)``; empty where the block is not correlated.
    """
    if not block.correlated:
        return ()
    factor, names = spec.factors[block.factor].name, _reported_coefficients(spec, block)
    return tuple((f"cor_{factor}__{names[i]}__{names[j]}", i, j) for i, j in _pairs(block.size))


def constant_name(spec: Spec, m: int, dpar: str) -> str:
    """Draws of a distributional parameter of outcome ``m`` that has no formula: ``"nu"``, ``"nu_NAstd"``.

    Thresholds are intercepts: ``"b_Intercept[1]"``; the autoregression is ``"ar[1]"``.
    """
    name = f"{dpar}_{spec.outcomes[m]}" if spec.multivariate else dpar
    if dpar in OF_SERIES:
        return f"{name}[1]" if dpar == AR else name
    if spec.family.parameter(dpar).support is Support.ORDERED:
        return f"b_{spec.outcomes[m]}_{dpar}" if spec.multivariate else f"b_{dpar}"
    return name


def vector_name(elements: Sequence[str]) -> str:
    """What elements are called together that are numbered from ``[1]``: ``"simo_moh1"``, ``"s_sx_1"``."""
    return elements[0].removesuffix("[1]")


def constant_names(spec: Spec) -> tuple[str, ...]:
    """Draws of all of them, in the order of ``spec.constants``."""
    return tuple(constant_name(spec, c.response, c.dpar) for c in spec.constants)


def threshold_names(spec: Spec) -> list[str]:
    """Draws of the thresholds between levels, ``["b_Intercept[1]", …]``."""
    return [constant_name(spec, c.response, c.dpar) for c in spec.thresholds]


def sigma_name(spec: Spec, m: int) -> str:
    """Draws of the residual standard deviation of outcome ``m``: ``"sigma"``, ``"sigma_NAstd"``."""
    return constant_name(spec, m, "sigma")


def rescor_names(spec: Spec) -> tuple[tuple[str, int, int], ...]:
    """Draws of the residual correlations with their outcomes, ``("rescor__NAstd__PAstd", 0, 1)``."""
    if spec.rescor is None:
        return ()
    outcomes = spec.outcomes
    return tuple((f"rescor__{outcomes[i]}__{outcomes[j]}", i, j) for i, j in _pairs(len(outcomes)))


def cortime_names(spec: Spec) -> tuple[tuple[str, int, int], ...]:
    """Draws of the correlations between occasions, with their two, ``("cortime__1__2", 0, 1)``."""
    return tuple((f"cortime__{spec.times[i]}__{spec.times[j]}", i, j) for i, j in _pairs(len(spec.times)))


def effects_name(spec: Spec, factor: int, predictor: int) -> str:
    """Draws of a predictor's effects by a factor: ``"r_id"``, ``"r_id__sigma_NAstd"``."""
    prefix = spec.predictors[predictor].prefix
    return f"r_{spec.factors[factor].name}{'__' if prefix else ''}{prefix}"


def summary_rows(spec: Spec) -> tuple[ParameterRow, ...]:
    """Every scalar parameter in the order that brms prints: by factor, coefficients, sigma, rescor."""
    return (
        *_group_rows(spec),
        *_cortime_rows(spec),
        *_smooth_rows(spec),
        *_population_rows(spec),
        *_simplex_rows(spec),
        *_family_rows(spec),
        *_residual_rows(spec),
    )


def _with_prefix(spec: Spec, p: int, name: str) -> str:
    prefix = spec.predictors[p].prefix
    return f"{prefix}_{name}" if prefix else name


def _reported_coefficients(spec: Spec, block: Block) -> tuple[str, ...]:
    terms: tuple[BlockTerm, ...] = tuple(block.terms[position] for position in block.order)
    return tuple(_with_prefix(spec, term.predictor, term.name) for term in terms)


def _pairs(size: int) -> list[tuple[int, int]]:
    return sorted(combinations(range(size), 2), key=lambda pair: pair[::-1])


def _group_rows(spec: Spec) -> Iterator[ParameterRow]:
    by_name = sorted(range(len(spec.factors)), key=lambda f: spec.factors[f].name)
    for f in by_name:
        group, blocks = spec.factors[f].name, [block for block in spec.blocks if block.factor == f]
        for block in blocks:
            for variable, name in zip(
                sd_names(spec, block), _reported_coefficients(spec, block), strict=True
            ):
                yield ParameterRow(variable, f"sd({name})", "group", group)
        for block in blocks:
            names = _reported_coefficients(spec, block)
            for variable, i, j in cor_names(spec, block):
                yield ParameterRow(variable, f"cor({names[i]},{names[j]})", "group", group)
        for s in (s for s, part in enumerate(spec.sds) if part.factor == f):
            for variable in sd_coefficient_names(spec, s):
                yield ParameterRow(variable, variable.removeprefix("b_"), "group", group)


def _population_rows(spec: Spec) -> Iterator[ParameterRow]:
    predictors = range(len(spec.predictors))
    intercepts = [intercept_name(spec, p) for p in predictors if spec.predictors[p].intercept is not None]
    coefficients = [name for p in predictors for name in coefficient_names(spec, p)]
    for variable in threshold_names(spec) + intercepts + coefficients:
        yield ParameterRow(variable, variable.removeprefix("b_").removeprefix("bs_"), "population")
    for p in predictors:
        for variable, _ in monotonic_names(spec, p):
            yield ParameterRow(variable, variable.removeprefix("bsp_"), "population")


def _smooth_rows(spec: Spec) -> Iterator[ParameterRow]:
    for name in sds_names(spec):
        yield ParameterRow(name, f"sds({name.removeprefix('sds_')})", "smooth")


def _simplex_rows(spec: Spec) -> Iterator[ParameterRow]:
    for p in range(len(spec.predictors)):
        for _, simplex in monotonic_names(spec, p):
            yield from (ParameterRow(name, name.removeprefix("simo_"), "simplex") for name in simplex)


def _family_rows(spec: Spec) -> Iterator[ParameterRow]:
    thresholds = threshold_names(spec)
    for name, constant in zip(constant_names(spec), spec.constants, strict=True):
        if name not in thresholds:
            yield ParameterRow(name, name, "series" if constant.dpar in OF_SERIES else "family")


def _cortime_rows(spec: Spec) -> Iterator[ParameterRow]:
    for variable, i, j in cortime_names(spec):
        yield ParameterRow(variable, f"cortime({spec.times[i]},{spec.times[j]})", "series")


def _residual_rows(spec: Spec) -> Iterator[ParameterRow]:
    for variable, i, j in rescor_names(spec):
        yield ParameterRow(variable, f"rescor({spec.outcomes[i]},{spec.outcomes[j]})", "residual")
