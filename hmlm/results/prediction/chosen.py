"""Which group effects a prediction counts: ``re_formula`` as in brms."""

from __future__ import annotations

import math
from collections.abc import Mapping

from hmlm.formula.algebra import read_terms
from hmlm.formula.grammar import parse_formula
from hmlm.results.unknown import check_factor
from hmlm.spec.hint import listed
from hmlm.spec.spec import Spec
from hmlm.types import Design, FormulaError, GroupTerm, HmlmError

NONE = ("NA", "~0", "~ 0")


def chosen_terms(spec: Spec, design: Design, re_formula: object = None) -> Mapping[int, tuple[int, ...]]:
    """Per block the positions of the terms that count.

    Args:
        spec: the model.
        design: its matrices.
        re_formula: None takes all, ``"NA"`` (also ``float("nan")`` and ``"~0"``) none, ``"~ (1 | id)"``
            those of the model that it names, of every distributional parameter and outcome.

    Raises:
        HmlmError: terms that the model does not have.
    """
    if re_formula is None:
        return {b: tuple(range(block.size)) for b, block in enumerate(spec.blocks)}
    if _is_none(re_formula):
        return {}
    if not isinstance(re_formula, str):
        raise HmlmError(f're_formula={re_formula!r}: None, "NA" or a text such as "~ (1 | id)"')
    wanted = _wanted(spec, design, re_formula)
    found = {
        b: tuple(q for q, term in enumerate(block.terms) if (block.factor, term.coefficient) in wanted)
        for b, block in enumerate(spec.blocks)
    }
    return {b: positions for b, positions in found.items() if positions}


def _is_none(re_formula: object) -> bool:
    if isinstance(re_formula, float):
        return math.isnan(re_formula)
    return isinstance(re_formula, str) and re_formula.strip() in NONE


def _wanted(spec: Spec, design: Design, text: str) -> set[tuple[int, str]]:
    """Factor and coefficient of every term in the formula."""
    _, predictor = parse_formula(text if "~" in text else f"~ {text}")
    if not predictor.groups:
        raise FormulaError(f're_formula="{text}" has no group-level term; write "~ (1 | id)" or "NA"')
    names = [factor.name for factor in spec.factors]
    out: set[tuple[int, str]] = set()
    for term in predictor.groups:
        check_factor(term.factor, names, "re_formula: ")
        f = names.index(term.factor)
        out |= {(f, name) for name in _coefficients(spec, design, f, term)}
    return out


def _coefficients(spec: Spec, design: Design, f: int, term: GroupTerm) -> set[str]:
    """The model's coefficients whose term is among those of the expression, ``x`` with all its levels."""
    asked, known = _pieces(term.expression), set()
    for part in design.predictors:
        for group in part.groups:
            if group.term.factor != spec.factors[f].name:
                continue
            have = _pieces(group.term.expression)
            if asked <= have:
                known |= _named(group.coefficients, asked, have)
    if not known:
        varying = dict.fromkeys(t.coefficient for b in spec.blocks if b.factor == f for t in b.terms)
        raise HmlmError(
            f"re_formula: ({term.expression} | {term.factor}) is not in the model, where {listed(varying)} "
            f"vary by '{term.factor}'"
        )
    return known


def _pieces(expression: str) -> set[str]:
    """The terms of an expression: ``1 + day`` is ``1`` and ``day``."""
    terms = read_terms(expression)
    products = {":".join(str(terms.atoms[i]) for i in product) for product in terms.products}
    return products | ({"1"} if terms.intercept else set())


def _named(names: tuple[str, ...], asked: set[str], have: set[str]) -> set[str]:
    """Coefficients of the terms asked for: of that name, else, of a factor's levels, starting with it."""
    if asked == have:
        return set(names)
    exact = {"Intercept" if term == "1" else term for term in have}
    out: set[str] = set()
    for term in ("Intercept" if term == "1" else term for term in asked):
        levels = {name for name in names if name not in exact and _is_level(name, term)}
        out |= {term} if term in names else levels
    return out


def _is_level(name: str, term: str) -> bool:
    pairs = list(zip(name.split(":"), term.split(":"), strict=False))
    return name.count(":") == term.count(":") and all(part.startswith(stem) for part, stem in pairs)
