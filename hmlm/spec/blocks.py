"""Which varying coefficients share a covariance matrix, and in which order."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass

from hmlm.spec.spec import BlockTerm
from hmlm.types import Design, FormulaError, GroupDesign, SdDesign, Structure


@dataclass(frozen=True)
class BlockLayout:
    """A block before it has priors.

    Attributes:
        factor: name of the grouping factor.
        terms: Q coefficients, [scale; location].
        order: the Q positions in ``terms`` in brms's order.
        correlated: whether R is estimated.
        name: unique name of the block.
        structure: of R, None where it is free.
    """

    factor: str
    terms: tuple[BlockTerm, ...]
    order: tuple[int, ...]
    correlated: bool
    name: str
    structure: Structure | None = None

    @property
    def free(self) -> bool:
        """Whether R may be any correlation matrix."""
        return self.correlated and self.structure is None


def lay_out_blocks(design: Design) -> tuple[BlockLayout, ...]:
    """The blocks of a design in the order of their first term.

    Terms of one factor with the same label share a block over parameters and outcomes; a term without
    a label is a block of its own. Each level of a by-variable has its own blocks.

    Raises:
        FormulaError: a coefficient varies twice by one factor, ``|`` and ``||`` share a label, terms that
            share one have different known covariances, or a structure has one term or sds with a formula.
    """
    _check_duplicates(design)
    _check_covariances(design)
    _check_structures(design)
    members: dict[tuple, list[tuple[int, int]]] = {}
    for p, g, group in _group_terms(design):
        label = (p, g) if group.term.label is None else group.term.label
        members.setdefault((group.term.factor, label, group.by), []).append((p, g))
    names = _unique_names([factor for factor, _, _ in members])
    return tuple(
        _layout(design, factor, terms, name)
        for (factor, _, _), terms, name in zip(members, members.values(), names, strict=True)
    )


def _group_terms(design: Design) -> Iterator[tuple[int, int, GroupDesign]]:
    for p, predictor in enumerate(design.predictors):
        for g, group in enumerate(predictor.groups):
            yield p, g, group


def _layout(design: Design, factor: str, members: list[tuple[int, int]], name: str) -> BlockLayout:
    reported = [
        BlockTerm(p, g, column, coefficient, design.predictors[p].groups[g].by)
        for p, g in members
        for column, coefficient in enumerate(design.predictors[p].groups[g].names)
    ]
    terms = sorted(reported, key=lambda term: design.predictors[term.predictor].dpar == "mu")
    order = tuple(terms.index(term) for term in reported)
    correlated = _is_correlated(design, factor, members) and len(terms) > 1
    p, g = members[0]
    structure = design.predictors[p].groups[g].term.structure
    return BlockLayout(factor, tuple(terms), order, correlated, name, structure)


def _is_correlated(design: Design, factor: str, members: list[tuple[int, int]]) -> bool:
    terms = [design.predictors[p].groups[g].term for p, g in members]
    said = {term.correlated for term in terms}
    if len(said) > 1:
        raise FormulaError(
            f"the terms of {factor!r} with the label {terms[0].label!r} use both '|' and '||'; "
            "use the same bars, or different labels"
        )
    return said.pop()


def _check_covariances(design: Design) -> None:
    known: dict[tuple[str, str], str | None] = {}
    for term in (group.term for _, _, group in _group_terms(design) if group.term.label is not None):
        key = (term.factor, str(term.label))
        if known.setdefault(key, term.cov) != term.cov:
            raise FormulaError(
                f"the terms of {term.factor!r} with the label {term.label!r} have different covariances "
                f"between levels; write gr({term.factor}, cov = {term.cov or known[key]}) in all of them"
            )


def _check_structures(design: Design) -> None:
    """Refuse a structure of one term, and one of terms whose standard deviations have a formula."""
    for _, _, group in _group_terms(design):
        structure, expression, factor = group.term.structure, group.term.expression, group.term.factor
        if structure is not None and len(group.names) < 2:
            raise FormulaError(
                f"{structure.value}({expression} | {factor}) has one term, {group.names[0]!r}, and a "
                f"correlation takes two: {structure.value}(0 + factor(f) | {factor}) has one for each level "
                f"of f; ({expression} | {factor}) needs none"
            )
    for part, group in groups_with_sd(design):
        if group.term.structure is not None:
            raise FormulaError(
                f"sd={{{part.name!r}: …}}: the effects of {part.factor!r} are "
                f"{group.term.structure.value}(…), whose standard deviations take no formula; write "
                f"({group.term.expression} | {part.factor}), or leave the formula out"
            )


def groups_with_sd(design: Design) -> Iterator[tuple[SdDesign, GroupDesign]]:
    """Formulas of standard deviations, each with the terms whose coefficients they are of."""
    for part in design.sds:
        yield from ((part, design.predictors[p].groups[g]) for p, g, _ in part.coefficients)


def _check_duplicates(design: Design) -> None:
    counts = Counter(
        (p, group.term.factor, name) for p, _, group in _group_terms(design) for name in group.names
    )
    for (p, factor, name), count in counts.items():
        if count > 1:
            raise FormulaError(_duplicate_message(design.predictors[p].dpar, factor, name))


def _duplicate_message(dpar: str, factor: str, name: str) -> str:
    remedy = (
        f"(0 + x | {factor}) leaves the intercept of the second term out"
        if name == "Intercept"
        else "name it in one term only"
    )
    return f"{name!r} varies by {factor!r} in more than one group-level term of {dpar}; {remedy}"


def _unique_names(factors: list[str]) -> list[str]:
    names: list[str] = []
    for factor in factors:
        name, number = factor, 1
        while name in names or (number > 1 and name in factors):
            number += 1
            name = f"{factor}_{number}"
        names.append(name)
    return names
