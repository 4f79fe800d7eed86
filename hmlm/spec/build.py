"""From a design and priors to the model's specification."""

from __future__ import annotations

import numpy as np

from hmlm.spec.blocks import BlockLayout, lay_out_blocks
from hmlm.spec.checks import (
    check_collinearity,
    check_family,
    check_group_collinearity,
    check_levels,
    check_names,
    check_outcomes,
    check_sd_collinearity,
)
from hmlm.spec.family import Family
from hmlm.spec.known import check_known, known_of
from hmlm.spec.memberships import check_memberships
from hmlm.spec.outcomes import check_outcome_values
from hmlm.spec.resolve import PriorBook, check_priors
from hmlm.spec.series import autocor_of, check_series
from hmlm.spec.shrinkage import Shrinkage, check_alone, is_shrinkage, make_shrinkage
from hmlm.spec.spec import (
    JOINT,
    OF_SERIES,
    Block,
    BlockTerm,
    Constant,
    FactorSpec,
    Monotonic,
    Predictor,
    SdPredictor,
    Smooth,
    Spec,
)
from hmlm.spec.support import Support
from hmlm.spec.target import (
    RESCOR,
    coefficient_targets,
    constant_targets,
    cor_target,
    cortime_targets,
    has_matrix,
    intercept_target,
    list_targets,
    monotonic_targets,
    sd_coefficient_targets,
    sd_targets,
    smooth_target,
)
from hmlm.types import Design, Distribution, Factor, Outcome, PredictorDesign, Prior, PriorError, SdDesign


def build_spec(design: Design, family: Family, priors: tuple[Prior, ...]) -> Spec:
    """The model of ``design`` with every prior in force.

    Args:
        design: columns, outcomes and grouping factors.
        family: response distribution of every outcome.
        priors: the priors stated; brms's defaults fill the rest.

    Raises:
        PriorError: a prior is invalid or reaches no parameter.
        FormulaError: the family lacks what the formula models, or a coefficient varies twice.
        DataError: columns depend on each other linearly and have a flat prior, outcomes that correlate do,
            or two parameters would share a name.
    """
    check_family(design, family)
    check_outcome_values(design, family)
    check_outcomes(design)
    check_series(design, family)
    check_levels(design, family)
    check_known(design)
    check_memberships(design)
    layouts = lay_out_blocks(design)
    check_priors(priors, list_targets(design, family, layouts))
    book = PriorBook(priors, family, {outcome.name: outcome.values for outcome in design.outcomes})
    predictors = tuple(_predictor(design, predictor, family, book) for predictor in design.predictors)
    for columns, predictor in zip(design.predictors, predictors, strict=True):
        check_collinearity(columns, predictor)
        for group in columns.groups:
            check_group_collinearity(group, [book.find(target) for target in sd_targets(columns, group)])
    spec = Spec(
        family=family,
        outcomes=tuple(outcome.name for outcome in design.outcomes),
        predictors=predictors,
        constants=tuple(
            _constant(design, family, key, book.find(target))
            for key, target in constant_targets(design, family).items()
        ),
        factors=tuple(_factor(design, f) for f in range(len(design.factors))),
        blocks=tuple(_block(design, layout, book) for layout in layouts),
        rescor=book.find(RESCOR).args[0] if has_matrix(design) else None,
        n_rows=design.n_rows,
        additions=tuple(_additions(outcome) for outcome in design.outcomes),
        sds=tuple(_sd_predictor(design, part, layouts, book) for part in design.sds),
        autocor=autocor_of(design, _cortime(design, book)),
    )
    for part, predictor in zip(design.sds, spec.sds, strict=True):
        check_sd_collinearity(part, predictor)
    check_names(spec)
    return spec


def _predictor(design: Design, predictor: PredictorDesign, family: Family, book: PriorBook) -> Predictor:
    population = predictor.population
    intercept = intercept_target(design, predictor, family)
    n_terms = len(population.plain) - len(population.smooths)
    priors = tuple(book.find(target) for target in coefficient_targets(predictor))
    return Predictor(
        response=_response(design, predictor),
        dpar=predictor.dpar,
        intercept=None if intercept is None else check_alone(book.find(intercept), "Intercept"),
        names=population.plain,
        priors=priors,
        centered=population.centered and population.intercept and n_terms > 0,
        prefix=_prefix(design, predictor),
        monotonic=tuple(_monotonic(predictor, *effect, book) for effect in population.monotonic),
        smooths=tuple(
            Smooth(s.name, s.line, s.size, book.find(smooth_target(predictor, s))) for s in population.smooths
        ),
        shrinkage=_shrinkage(design, predictor, family, priors),
    )


def _response(design: Design, predictor: PredictorDesign) -> int:
    names = [outcome.name for outcome in design.outcomes]
    return names.index(predictor.response) if predictor.response else JOINT


def _monotonic(predictor: PredictorDesign, name: str, size: int, book: PriorBook) -> Monotonic:
    b, simplex = monotonic_targets(predictor, name)
    alpha = book.find(simplex).args
    if len(alpha) not in (1, size):
        raise PriorError(
            f"the prior of simo for {simplex.coef} has {len(alpha)} arguments, and there are {size} steps; "
            "write dirichlet(1) for all, or one argument for each"
        )
    return Monotonic(name, check_alone(book.find(b), name), alpha * size if len(alpha) == 1 else alpha)


def _shrinkage(
    design: Design, predictor: PredictorDesign, family: Family, priors: tuple[Distribution, ...]
) -> Shrinkage | None:
    """Of the coefficients whose prior is one that they share."""
    names = predictor.population.plain
    shared = {k: name for k, name in enumerate(names) if is_shrinkage(priors[k])}
    if not shared:
        return None
    has_sigma = predictor.dpar == "mu" and (predictor.response, "sigma") in constant_targets(design, family)
    return make_shrinkage(priors[min(shared)], shared, design.n_rows, has_sigma=has_sigma)


def _prefix(design: Design, predictor: PredictorDesign) -> str:
    dpar = "" if predictor.dpar == "mu" else predictor.dpar
    response = predictor.response if len(design.outcomes) > 1 else ""
    return "_".join(part for part in (dpar, response) if part)


def _constant(design: Design, family: Family, key: tuple[str, str], prior: Distribution) -> Constant:
    outcome, dpar = key
    support = OF_SERIES[dpar] if dpar in OF_SERIES else family.parameter(dpar).support
    if support is Support.ORDERED and prior.name == "uniform":
        raise PriorError(
            f"{dpar} ~ {prior}: thresholds between levels have no bounds; use for example normal(0, 3)"
        )
    return Constant([o.name for o in design.outcomes].index(outcome), dpar, prior, support)


def _cortime(design: Design, book: PriorBook) -> float | None:
    """Shape of the prior of correlations between occasions, None where none are free."""
    targets = cortime_targets(design)
    return book.find(targets[0]).args[0] if targets else None


def _additions(outcome: Outcome) -> tuple[str, ...]:
    """The addition terms of an outcome, in one order."""
    return tuple(sorted(outcome.additions))


def _block(design: Design, layout: BlockLayout, book: PriorBook) -> Block:
    sd = tuple(_sd(design, term, book) for term in layout.terms)
    if layout.structure is not None and layout.structure.homogeneous and len(set(sd)) > 1:
        raise PriorError(
            f"{layout.structure.value}(… | {layout.factor}) has one standard deviation, and its terms have "
            f'different priors; write prior("…", class_="sd", group="{layout.factor}") for all of them'
        )
    return Block(
        factor=[factor.name for factor in design.factors].index(layout.factor),
        terms=layout.terms,
        sd=sd,
        cor=book.find(cor_target(layout.factor)).args[0] if layout.free else None,
        order=layout.order,
        name=layout.name,
        members=_members(design, layout),
        known=known_of(design, layout),
        structure=layout.structure,
    )


def _members(design: Design, layout: BlockLayout) -> tuple[int, ...] | None:
    """Levels of the factor that occur in rows of the block's level of a by-variable."""
    term = layout.terms[0]
    rows = design.predictors[term.predictor].groups[term.group].rows
    (factor,) = (factor for factor in design.factors if factor.name == layout.factor)
    return None if rows is None else tuple(int(level) for level in np.unique(factor.index[rows]))


def _sd(design: Design, term: BlockTerm, book: PriorBook) -> Distribution:
    predictor = design.predictors[term.predictor]
    return book.find(sd_targets(predictor, predictor.groups[term.group])[term.column])


def _sd_predictor(
    design: Design, part: SdDesign, layouts: tuple[BlockLayout, ...], book: PriorBook
) -> SdPredictor:
    terms = tuple(
        (b, q)
        for b, layout in enumerate(layouts)
        for q, term in enumerate(layout.terms)
        if (term.predictor, term.group, term.column) in part.coefficients
    )
    response = f"_{part.response}" if len(design.outcomes) > 1 else ""
    return SdPredictor(
        factor=[factor.name for factor in design.factors].index(part.factor),
        terms=terms,
        names=part.names,
        priors=tuple(check_alone(book.find(t), t.coef) for t in sd_coefficient_targets(part)),
        prefix=f"sd_{part.name}{response}",
        centered=part.centered,
    )


def _factor(design: Design, f: int) -> FactorSpec:
    factor = design.factors[f]
    if factor.members is not None:
        return FactorSpec(factor.name, factor.levels, multiple=True)
    single = [(g, other) for g, other in enumerate(design.factors) if other.members is None]
    coarser = (g for g, other in single if len(other.levels) < len(factor.levels))
    within = tuple(g for g in coarser if _lies_in(factor, design.factors[g]))
    return FactorSpec(factor.name, factor.levels, within)


def _lies_in(fine: Factor, coarse: Factor) -> bool:
    """Whether every level of ``fine`` occurs in one level of ``coarse`` only."""
    pairs = np.unique(fine.index.astype(np.int64) * len(coarse.levels) + coarse.index)
    return len(pairs) == len(np.unique(fine.index))
