"""The plan as people read it: which effects are sampled and how, which are not, and what a gradient costs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from hmlm.density.backend import Backend, native_instructions
from hmlm.density.coordinates import Coordinates
from hmlm.density.log_density import LogDensity
from hmlm.density.plan import AUTO, DENSE_EFFECTS, MARGINAL, Plan, n_scale_terms
from hmlm.spec.spec import RESCOR_DPAR, Block, Spec

OUT = "integrated out"
HEADER = ("block", "coefficients", "levels", "treatment", "sampled", "reason")
LONGEST_NAMES = 44

NANOSECONDS_PER_CALL = 4_000
NANOSECONDS_PER_ROW = 0.25  # and product of two columns
NANOSECONDS_PER_LEVEL = 0.9  # and operation of a small factorization
NANOSECONDS_PER_EXP = 6.0
NATIVE_SHARE = 0.3  # of the work above, where one native call does it

GOOD_FOR = {
    Coordinates.NONCENTERED: "standard normal coordinates: for few rows a level",
    Coordinates.CENTERED: "hierarchically centred coordinates: for many rows in every level",
    Coordinates.INFORMED: "coordinates from each level's information",
}


@dataclass(frozen=True)
class Treatment:
    """How some coefficients of one block are treated.

    Attributes:
        block: name of the block.
        coefficients: their names.
        levels: number of levels.
        treatment: "integrated out", "informed", "noncentered" or "centered".
        sampled: how many dimensions of theirs the sampler moves.
        reason: why, in words.
    """

    block: str
    coefficients: tuple[str, ...]
    levels: int
    treatment: str
    sampled: int
    reason: str


def treatments(spec: Spec, plan: Plan, choice: str | Mapping[str, str] = AUTO) -> tuple[Treatment, ...]:
    """Per block, first what is integrated out and then what is sampled."""
    out = []
    for block, part in zip(spec.blocks, plan.blocks, strict=True):
        asked = choice.get(block.name, AUTO) if isinstance(choice, Mapping) else choice
        levels = spec.factors[block.factor].n_levels
        names = [_term_name(spec, block, q) for q in range(block.size)]
        if part.n_sampled < block.size:
            reason = _why_integrated(spec, plan, block) + _others(block) + _mixed(block)
            out.append(Treatment(block.name, tuple(names[part.n_sampled :]), levels, OUT, 0, reason))
        if part.n_sampled:
            more = (part.n_informing or 0) > part.n_sampled
            how = GOOD_FOR[part.coordinates] + (", of its other effects too" if more else "")
            reason = f"{_why_sampled(spec, block, part.n_sampled, asked)}; {how}"
            sampled = tuple(names[: part.n_sampled])
            kind = part.coordinates.value
            out.append(
                Treatment(
                    block.name,
                    sampled,
                    levels,
                    kind,
                    part.n_sampled * levels,
                    reason + _others(block) + _mixed(block),
                )
            )
    return tuple(out)


def treatment_lines(spec: Spec, plan: Plan) -> tuple[str, ...]:
    """One line per treatment, as a fit prints it."""
    return tuple(
        f"{t.block}: {len(t.coefficients)} x {t.levels} effects "
        f"{'integrated out exactly' if t.treatment == OUT else f'sampled in {t.treatment} coordinates'}"
        for t in treatments(spec, plan)
    )


def explain_density(density: LogDensity, choice: str | Mapping[str, str]) -> str:
    """The plan as a table, with dimensions and cost."""
    spec, layout = density.spec, density.layout
    rows = treatments(spec, density.plan, choice)
    n_effects = sum(block.size * spec.factors[block.factor].n_levels for block in spec.blocks)
    sampled = layout.size - layout.n_population
    lines = [
        f"{layout.size} of {layout.n_population + n_effects} dimensions are sampled: {layout.n_population} "
        f"population-level (dense mass matrix) and {sampled} of {n_effects} group effects",
        f"a gradient costs about {_time(gradient_seconds(density))} on one CPU core: {_basis(density)}",
        f"kernels: {_kernels(density)}",
        *_shrinkage_lines(density),
        *_series_lines(density),
        *_smooth_lines(density.spec),
        *_structure_lines(density.spec),
    ]
    return "\n".join([*lines, *(["", *_table(rows)] if rows else [])])


def _shrinkage_lines(density: LogDensity) -> list[str]:
    """How coefficients under shrinkage priors are sampled."""
    return [
        f"{shrinkage.kind}: {shrinkage.size} coefficients{f' of {p.dpar}' if p.dpar != 'mu' else ''} in "
        f"informed coordinates; {len(shrinkage.coordinates)} more dimensions for their prior standard "
        f"deviations{', which are multiples of sigma' if shrinkage.by_sigma else ''}"
        for p in density.spec.predictors
        if (shrinkage := p.shrinkage) is not None
    ]


def _series_lines(density: LogDensity) -> list[str]:
    """What is made of residuals in series."""
    autocor = density.spec.autocor
    if autocor is None:
        return []
    what = "statistics" if density.data.statistics is not None else "rows"
    if density.spec.repeated:
        n_times = len(density.spec.times)
        matrix = f"those of {n_times} occasions correlate freely" if n_times else "all of a series alike"
        return [f"residuals: {autocor.term} by {what}, each given those of its series before it; {matrix}"]
    start = "stationary from its first row on" if autocor.stationary else "its first row on its own"
    return [f"residuals: AR(1) by {what} less ar[1] times those of the row before; each series {start}"]


def _smooth_lines(spec: Spec) -> list[str]:
    """How wiggly coefficients are sampled."""
    smooths = [(p, smooth) for p in spec.predictors for smooth in p.smooths]
    named = ("_".join(filter(None, (p.prefix, smooth.name))) for p, smooth in smooths)
    parts = [f"{name} ({smooth.size})" for name, (_, smooth) in zip(named, smooths, strict=True)]
    if not parts:
        return []
    return [
        f"wiggly coefficients of smooth functions: {', '.join(parts)}, sampled in coordinates from what the "
        "data say about them"
    ]


def _structure_lines(spec: Spec) -> list[str]:
    """Which effects have correlations made of one rho."""
    return [
        f"effects of {block.name}: {block.size} of one level have "
        f"{'the correlations rho^|i - j|, AR(1)' if block.structure.in_turn else 'one correlation rho'}; "
        "one dimension for rho"
        f"{', one for their standard deviation' if block.n_sd < block.size else ''}"
        for block in spec.blocks
        if block.structure is not None
    ]


def gradient_seconds(density: LogDensity) -> float:
    """Rough cost of one gradient on one CPU core, from the sizes of what it touches."""
    spec, data = density.spec, density.data
    basis, reads_rows = (data.model, True) if data.statistics is None else (data.statistics.cells, False)
    n_columns, n_rows = basis.columns.shape[0], basis.columns[0].size
    n_scales = sum(predictor.dpar != "mu" for predictor in spec.predictors)
    work = sum(_factor_work(spec, density.plan, f) for f in range(len(spec.factors)))
    products = 3 * n_columns * len(spec.predictors) + _pairs(spec, density.plan) if reads_rows else 0
    dense = [spec.factors[f].n_levels * len(density.plan.integrated(spec, f)) for f in density.plan.factors]
    schur = 1.2 * dense[0] * sum(dense[1:]) ** 2 if density.plan.dense else 0
    exps = n_rows * n_scales
    nanoseconds = NANOSECONDS_PER_LEVEL * (work + schur) + NANOSECONDS_PER_EXP * exps
    nanoseconds += NANOSECONDS_PER_ROW * n_rows * products
    share = 1.0 if data.fused is None else NATIVE_SHARE
    return 1e-9 * (NANOSECONDS_PER_CALL + share * nanoseconds)


def _pairs(spec: Spec, plan: Plan) -> int:
    """Products of columns that every row contributes."""
    sizes = [len(plan.integrated(spec, f)) for f in plan.factors]
    return 2 * sum(q * (q + 1) // 2 + q for q in sizes)


def _factor_work(spec: Spec, plan: Plan, factor: int) -> int:
    """Operations of small factorizations, per gradient."""
    n_integrated = len(plan.integrated(spec, factor))
    sizes = [
        part.n_sampled for block, part in zip(spec.blocks, plan.blocks, strict=True) if block.factor == factor
    ]
    return spec.factors[factor].n_levels * (4 * n_integrated**3 + sum(6 * n**3 + 10 * n for n in sizes))


def _basis(density: LogDensity) -> str:
    if density.data.statistics is None:
        twice = " and the rows before them" if density.spec.in_turn else ""
        return f"it reads {density.spec.n_rows} rows{twice}"
    return f"sufficient statistics replace {density.spec.n_rows} rows"


def _kernels(density: LogDensity) -> str:
    if density.backend is Backend.XLA:
        return "xla"
    own = f"native ({native_instructions()})" if density.backend is Backend.NATIVE else "pallas"
    if density.data.fused is not None:
        return f"{own}, the likelihood and its gradient in one call"
    if density.spec.sds:
        why = "whose standard deviations differ between levels"
    elif density.spec.autocor:
        why = "whose residuals are in series"
    elif density.spec.rescor_predictor is not None:
        why = "whose residual correlation differs between rows"
    elif density.spec.multiple:
        why = "whose rows belong to several levels"
    else:
        why = "whose effects vary by several factors"
    return f"{own} where possible; xla for the likelihood, {why}"


def _time(seconds: float) -> str:
    value = 1e6 * seconds
    return f"{value:.0f} µs" if value < 1000 else f"{value / 1000:.1f} ms"


def _why_integrated(spec: Spec, plan: Plan, block: Block) -> str:
    linear = "they enter a Gaussian mean linearly"
    if block.factor == plan.factors[0]:
        return f"{linear}; {'level by level' if block.known is None else 'by rotated levels'}"
    if plan.nested:
        return f"{linear}; after those of {spec.factors[plan.factors[0]].name}, nested in it"
    return f"{linear}; by a dense Schur complement over those of {spec.factors[plan.factors[0]].name}"


def _why_sampled(spec: Spec, block: Block, n_sampled: int, asked: str) -> str:
    if asked not in (AUTO, MARGINAL):
        return "as asked"
    if spec.factors[block.factor].multiple:
        return "rows belong to several levels"
    if not spec.normal:
        return f"the outcomes are {spec.family} given them"
    if block.known is not None and n_sampled > n_scale_terms(spec, block):
        return "no rotation of levels separates them, or sigma varies or other effects are sampled"
    if n_sampled <= n_scale_terms(spec, block):
        return f"they enter {_entered(spec, block)}"
    return f"more than {DENSE_EFFECTS} effects, or costlier, beyond the largest factor's"


def _entered(spec: Spec, block: Block) -> str:
    """What those of a block's effects enter that are not in a mean."""
    words = {"sigma": "log sigma", RESCOR_DPAR: "the residual correlation"}
    dpars = {spec.predictors[term.predictor].dpar for term in block.terms}
    return " and ".join(word for dpar, word in words.items() if dpar in dpars)


def _others(block: Block) -> str:
    """What is said of the levels that a block does not describe."""
    if block.members is None:
        return ""
    by = block.terms[0].by
    return f"; {len(block.members)} levels are {by}, the others' have no rows and follow their prior"


def _mixed(block: Block) -> str:
    """What is said of levels that depend on each other."""
    if block.known is None:
        return ""
    return f"; levels have the known covariance {block.known.name}"


def _term_name(spec: Spec, block: Block, q: int) -> str:
    term = block.terms[q]
    prefix = spec.predictors[term.predictor].prefix
    return f"{prefix}_{term.name}" if prefix else term.name


def _table(rows: tuple[Treatment, ...]) -> list[str]:
    cells = [
        (r.block, _short(r.coefficients), str(r.levels), r.treatment, str(r.sampled), r.reason) for r in rows
    ]
    widths = [max(len(row[i]) for row in (HEADER, *cells)) for i in range(len(HEADER))]
    numbers = {HEADER.index("levels"), HEADER.index("sampled")}
    return [
        "  ".join(
            cell.rjust(widths[i]) if i in numbers else cell.ljust(widths[i]) for i, cell in enumerate(row)
        ).rstrip()
        for row in (HEADER, *cells)
    ]


def _short(names: tuple[str, ...]) -> str:
    """Names joined by commas, those beyond the width counted."""
    text = ", ".join(names)
    if len(text) <= LONGEST_NAMES:
        return text
    shown = [name for i, name in enumerate(names) if len(", ".join(names[: i + 1])) <= LONGEST_NAMES - 8]
    shown = shown or list(names[:1])
    return f"{', '.join(shown)}, +{len(names) - len(shown)}"
