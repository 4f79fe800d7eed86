"""Which treatment each block of group effects gets."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import pairwise

from hmlm.density.coordinates import Coordinates
from hmlm.spec.hint import did_you_mean
from hmlm.spec.spec import Block, Spec
from hmlm.types import HmlmError

MARGINAL = "marginal"
AUTO = "auto"
CHOICES = (AUTO, MARGINAL, *(kind.value for kind in Coordinates))

DENSE_EFFECTS = 500  # largest Schur complement
DENSE_WORK = 5e7  # multiply-adds to form it, per gradient


@dataclass(frozen=True)
class BlockPlan:
    """Treatment of one block.

    Attributes:
        coordinates: of the effects that are sampled.
        n_sampled: the first so many of its terms are sampled (scale effects come first), the others are
            integrated out.
        n_informing: the first so many terms inform the coordinates of those that are sampled; None leaves it
            to the pilot (:func:`hmlm.density.information.settle`).
    """

    coordinates: Coordinates
    n_sampled: int
    n_informing: int | None = None


@dataclass(frozen=True)
class Plan:
    """Treatment of a model.

    Attributes:
        blocks: of every block.
        factors: the factors whose location effects are integrated out: the first level by level, the others
            by the dense Schur complement that this leaves, or one after another where they are nested.
        nested: whether every level of each of these factors lies in one level of the next.
    """

    blocks: tuple[BlockPlan, ...]
    factors: tuple[int, ...]
    nested: bool = False

    @property
    def local(self) -> tuple[int, ...]:
        """The factors whose effects are held by level of the first."""
        return self.factors if self.nested else self.factors[:1]

    @property
    def dense(self) -> tuple[int, ...]:
        """The factors whose effects are held in one dense matrix."""
        return () if self.nested else self.factors[1:]

    def integrated(self, spec: Spec, factor: int) -> tuple[tuple[int, int], ...]:
        """(block, position) of every term of a factor that is integrated out, block by block."""
        return tuple(
            (b, q)
            for b, (plan, block) in enumerate(zip(self.blocks, spec.blocks, strict=True))
            for q in range(plan.n_sampled, block.size)
            if block.factor == factor
        )

    def main(self, spec: Spec) -> int | None:
        """The factor that rows are sorted by: the first that is integrated out, else the largest."""
        if self.factors:
            return self.factors[0]
        sizes = {
            f: sum(b.size for b in spec.blocks if b.factor == f) * factor.n_levels
            for f, factor in enumerate(spec.factors)
            if not factor.multiple
        }
        return max(sizes, key=sizes.__getitem__, default=None)


def make_plan(spec: Spec, density: str | Mapping[str, str]) -> Plan:
    """The plan of a model.

    Args:
        spec: the model.
        density: one of :data:`CHOICES` for all blocks, or a mapping from block names to them.

    Raises:
        HmlmError: an unknown choice or block, or a block that cannot be integrated out.
    """
    names = [block.name for block in spec.blocks]
    _check(density if isinstance(density, Mapping) else {"": density}, names)
    wanted = density if isinstance(density, Mapping) else _for_all(spec, density)
    choices = [wanted.get(name, AUTO) for name in names]
    factors, nested = _integrated_factors(spec, choices, known=True)
    mixed = _mixes(spec, choices, factors)
    if not mixed:
        factors, nested = _integrated_factors(spec, choices, known=False)
    blocks = tuple(
        _block_plan(spec, block, choice, () if block.known and not mixed else factors)
        for block, choice in zip(spec.blocks, choices, strict=True)
    )
    return Plan(blocks, factors, nested)


def _for_all(spec: Spec, choice: str) -> dict[str, str]:
    """One choice for every block; blocks without effects on a mean can't be integrated out."""
    return {
        block.name: AUTO if choice == MARGINAL and _only_scales(spec, block) else choice
        for block in spec.blocks
    }


def _mixes(spec: Spec, choices: list[str], factors: tuple[int, ...]) -> bool:
    """Whether effects of levels with a known covariance can be integrated out with those of these factors.

    They are from cross-products alone, which do where sigma is constant and no effect on a mean is sampled.
    """
    constant = spec.autocor is None and all(predictor.dpar == "mu" for predictor in spec.predictors)
    integrated = all(choice in (AUTO, MARGINAL) for choice in choices)
    return constant and integrated and {block.factor for block in spec.blocks} == set(factors)


def _is_local(spec: Spec, factor: int) -> bool:
    """Whether the effects of a factor can be integrated out level by level, if need be of pseudo-levels."""
    blocks = [block for block in spec.blocks if block.factor == factor]
    known = [block.known for block in blocks if block.known is not None]
    return not known or (len(blocks) == 1 and known[0].rotates)


def sampled_plan(spec: Spec) -> Plan:
    """The plan that samples every effect in informed coordinates."""
    return Plan(tuple(BlockPlan(Coordinates.INFORMED, block.size) for block in spec.blocks), ())


def n_scale_terms(spec: Spec, block: Block) -> int:
    """How many of a block's terms cannot be integrated out exactly; they come first.

    Those that enter a predictor other than a mean, or all where the outcomes are not normal.
    """
    if not spec.normal:
        return block.size
    return sum(spec.predictors[term.predictor].dpar != "mu" for term in block.terms)


def _integrated_factors(spec: Spec, choices: list[str], *, known: bool) -> tuple[tuple[int, ...], bool]:
    """Factors to integrate out and whether they are nested, finest first.

    Else first that with most effects, then from the smallest on while they stay few. Blocks with a known
    covariance between levels only count where ``known``.
    """
    coefficients: dict[int, int] = {}
    for block, choice in zip(spec.blocks, choices, strict=True):
        n_location = block.size - n_scale_terms(spec, block)
        if (block.known is not None and not known) or spec.factors[block.factor].multiple:
            continue
        if choice in (AUTO, MARGINAL) and n_location and _holds_series(spec, block.factor):
            coefficients[block.factor] = coefficients.get(block.factor, 0) + n_location
    sizes = {f: q * spec.factors[f].n_levels for f, q in coefficients.items()}
    local = [f for f in sizes if not known or _is_local(spec, f)]
    if not local:
        return (), False
    chain = sorted(sizes, key=lambda f: -spec.factors[f].n_levels)
    dependent = known and any(block.known is not None for block in spec.blocks)
    if len(chain) > 1 and not dependent and all(g in spec.factors[f].within for f, g in pairwise(chain)):
        return tuple(chain), True
    forced = {b.factor for b, choice in zip(spec.blocks, choices, strict=True) if choice == MARGINAL}
    first = max(local, key=lambda f: sizes[f])
    rest: list[int] = []
    for f in sorted(sizes.keys() - {first}, key=lambda f: (f not in forced, sizes[f])):
        n_dense = sizes[f] + sum(sizes[g] for g in rest)
        if n_dense <= DENSE_EFFECTS and sizes[first] * n_dense**2 <= DENSE_WORK:
            rest.append(f)
    return (first, *rest), False


def _holds_series(spec: Spec, factor: int) -> bool:
    """Whether rows whose residuals depend on each other are of one level."""
    return spec.autocor is None or factor in spec.autocor.within


def _only_scales(spec: Spec, block: Block) -> bool:
    return spec.normal and n_scale_terms(spec, block) == block.size


def _block_plan(spec: Spec, block: Block, choice: str, factors: tuple[int, ...]) -> BlockPlan:
    if choice == MARGINAL and block.factor not in factors:
        raise HmlmError(_cannot_integrate(spec, block, factors))
    if choice in (AUTO, MARGINAL) and block.factor in factors:
        return BlockPlan(Coordinates.INFORMED, n_scale_terms(spec, block))
    usual = Coordinates.NONCENTERED if spec.factors[block.factor].multiple else Coordinates.INFORMED
    return BlockPlan(usual if choice == AUTO else Coordinates(choice), block.size)


def _cannot_integrate(spec: Spec, block: Block, factors: tuple[int, ...]) -> str:
    if not spec.normal:
        return (
            f"density: the family {spec.family} of block {block.name!r} is not normal, or its outcome has "
            "weights, bounds or censoring, so its effects cannot be integrated out exactly; choose 'informed'"
        )
    if n_scale_terms(spec, block) == block.size:
        return f"density: block {block.name!r} has no effect on a mean, so none can be integrated out"
    if not _holds_series(spec, block.factor):
        return (
            f"density: a series of {spec.autocor.term} has rows of several levels of "
            f"{spec.factors[block.factor].name!r}, so the effects of block {block.name!r} cannot be "
            "integrated out by level; choose 'informed'"
        )
    if spec.factors[block.factor].multiple:
        return (
            f"density: rows belong to several levels of block {block.name!r}, so that its effects cannot be "
            "integrated out level by level; choose 'noncentered'"
        )
    if block.known is not None:
        return (
            f"density: the levels of block {block.name!r} have the known covariance {block.known.name!r}; "
            "its effects can be integrated out where sigma is constant and all others are integrated out, "
            "if their columns are alike or they are few beside those of another factor; choose 'informed'"
        )
    names = " and ".join(repr(spec.factors[f].name) for f in factors)
    return (
        f"density: block {block.name!r} cannot be integrated out together with those of {names}: beyond "
        f"the largest factor up to {DENSE_EFFECTS} effects can be; choose 'informed' for one of them"
    )


def _check(wanted: Mapping[str, str], names: list[str]) -> None:
    for name, choice in wanted.items():
        if name and name not in names:
            raise HmlmError(f"density: no block {name!r}; the model has {', '.join(names) or 'none'}")
        if choice not in CHOICES:
            hint = did_you_mean(str(choice), CHOICES)
            raise HmlmError(f"density={choice!r} is unknown; choose one of {', '.join(CHOICES)}{hint}")
