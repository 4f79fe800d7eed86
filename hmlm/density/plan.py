"""Which treatment each block of group effects gets, and how to say so."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from difflib import get_close_matches

from hmlm.density.coordinates import Coordinates
from hmlm.spec.spec import Block, Spec
from hmlm.types import HmlmError

MARGINAL = "marginal"
AUTO = "auto"
CHOICES = (AUTO, MARGINAL, *(kind.value for kind in Coordinates))

REASONS = {
    Coordinates.NONCENTERED: "standard normal coordinates: good where a level has few rows",
    Coordinates.CENTERED: "hierarchically centred coordinates: good where every level has many rows",
    Coordinates.INFORMED: "coordinates built from each level's information",
}


@dataclass(frozen=True)
class BlockPlan:
    """Treatment of one block.

    Attributes:
        coordinates: of the effects that are sampled.
        n_sampled: the first so many of its terms are sampled (scale effects come first), the others are
            integrated out.
    """

    coordinates: Coordinates
    n_sampled: int


@dataclass(frozen=True)
class Plan:
    """Treatment of a model.

    Attributes:
        blocks: of every block.
        factor: the factor whose location effects are integrated out, None where none are.
    """

    blocks: tuple[BlockPlan, ...]
    factor: int | None

    def integrated(self, spec: Spec) -> tuple[tuple[int, int], ...]:
        """(block, position) of every term that is integrated out, block by block."""
        return tuple(
            (b, q)
            for b, (plan, block) in enumerate(zip(self.blocks, spec.blocks, strict=True))
            for q in range(plan.n_sampled, block.size)
        )


def make_plan(spec: Spec, density: str | Mapping[str, str]) -> Plan:
    """The plan of a model.

    Args:
        spec: the model.
        density: one of :data:`CHOICES` for all blocks, or a mapping from block names to them.

    Raises:
        HmlmError: an unknown choice or block, or a block that cannot be integrated out.
    """
    names = [block.name for block in spec.blocks]
    wanted = density if isinstance(density, Mapping) else dict.fromkeys(names, density)
    _check(wanted if isinstance(density, Mapping) else {"": density}, names)
    choices = [wanted.get(name, AUTO) for name in names]
    factor = _eliminated_factor(spec, choices)
    blocks = tuple(
        _block_plan(spec, block, choice, factor) for block, choice in zip(spec.blocks, choices, strict=True)
    )
    plan = Plan(blocks, factor)
    return plan if plan.integrated(spec) else Plan(blocks, None)


def sampled_plan(spec: Spec) -> Plan:
    """The plan that samples every effect in informed coordinates."""
    return Plan(tuple(BlockPlan(Coordinates.INFORMED, block.size) for block in spec.blocks), None)


def n_scale_terms(spec: Spec, block: Block) -> int:
    """How many of a block's terms enter a predictor other than a mean; they come first."""
    return sum(spec.predictors[term.predictor].dpar != "mu" for term in block.terms)


def _eliminated_factor(spec: Spec, choices: list[str]) -> int | None:
    """The factor with most location effects among the blocks that may be integrated out."""
    sizes: dict[int, int] = {}
    for block, choice in zip(spec.blocks, choices, strict=True):
        if choice in (AUTO, MARGINAL):
            n_location = block.size - n_scale_terms(spec, block)
            size = n_location * spec.factors[block.factor].n_levels
            sizes[block.factor] = sizes.get(block.factor, 0) + size
    return max(sizes, key=sizes.__getitem__, default=None)


def _block_plan(spec: Spec, block: Block, choice: str, factor: int | None) -> BlockPlan:
    if choice == MARGINAL and block.factor != factor:
        raise HmlmError(
            f"density: block {block.name!r} cannot be integrated out together with those of "
            f"{spec.factors[factor].name!r}; choose 'informed' for one of them"
        )
    if choice in (AUTO, MARGINAL) and block.factor == factor:
        return BlockPlan(Coordinates.INFORMED, n_scale_terms(spec, block))
    return BlockPlan(Coordinates.INFORMED if choice == AUTO else Coordinates(choice), block.size)


def explain_plan(spec: Spec, plan: Plan) -> tuple[str, ...]:
    """One line per block."""
    return tuple(_explain(spec, block, p) for block, p in zip(spec.blocks, plan.blocks, strict=True))


def _explain(spec: Spec, block: Block, plan: BlockPlan) -> str:
    levels = spec.factors[block.factor].n_levels
    out = block.size - plan.n_sampled
    parts = [f"{out} of {block.size} coefficients x {levels} levels integrated out exactly"] if out else []
    if plan.n_sampled:
        how = f"{plan.coordinates.value} ({REASONS[plan.coordinates]})"
        parts.append(f"{plan.n_sampled} x {levels} sampled, {how}")
    return f"{block.name}: {'; '.join(parts)}"


def _check(wanted: Mapping[str, str], names: list[str]) -> None:
    for name, choice in wanted.items():
        if name and name not in names:
            raise HmlmError(f"density: no block {name!r}; the model has {', '.join(names) or 'none'}")
        if choice not in CHOICES:
            near = get_close_matches(str(choice), CHOICES, 1)
            hint = f"; did you mean {near[0]!r}?" if near else ""
            raise HmlmError(f"density={choice!r} is unknown; choose one of {', '.join(CHOICES)}{hint}")
