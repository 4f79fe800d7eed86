"""The term algebra, ``a * b`` is ``a + b + a:b``: done by formulaic on symbols that stand for the factors."""

from __future__ import annotations

from dataclasses import dataclass
from typing import cast

from formulaic import Formula, SimpleFormula
from formulaic.errors import FormulaicError

from hmlm.formula.expression import Binary, Call, Name, Node, Number, Paren, Sum, Unary, children
from hmlm.formula.parser import parse
from hmlm.formula.terms import check_terms
from hmlm.types import FormulaError

RESERVED_INTERCEPT = "Intercept"


@dataclass(frozen=True)
class Terms:
    """Terms of one predictor.

    Attributes:
        text: as R prints it.
        atoms: the distinct factors, columns and calls, in order of first appearance.
        products: each term as the positions of its factors among the atoms, in R's order of the terms.
        intercept: whether the first column is constant.
        reserved: whether it is brms's ``0 + Intercept``, a coefficient like any other.
    """

    text: str
    atoms: tuple[Node, ...]
    products: tuple[tuple[int, ...], ...]
    intercept: bool
    reserved: bool


def read_terms(text: str) -> Terms:
    """The terms of ``"1 + x * z"``.

    As in R, the factors of an interaction are put in the order in which the formula first names them.

    Raises:
        FormulaError: where something is no term, or ``Intercept`` stands beside an intercept.
    """
    node = parse(text)
    check_terms(node)
    atoms = tuple(dict.fromkeys(_atoms(node)))
    products = _expand(node, {atom: f"a{i}" for i, atom in enumerate(atoms)})
    reserved = [
        i for i, atom in enumerate(atoms) if isinstance(atom, Name) and atom.text == RESERVED_INTERCEPT
    ]
    for i in reserved:
        _check_reserved(node, i, products)
    plain = tuple(product for product in products if product and product != tuple(reserved))
    return Terms(str(node), atoms, plain, len(plain) < len(products), bool(reserved))


def _expand(node: Node, symbols: dict[Node, str]) -> list[tuple[int, ...]]:
    """Positions of the factors of each term; the intercept is ``()``."""
    try:
        terms = list(cast(SimpleFormula, Formula.from_spec(_algebra(node, symbols))))
    except (FormulaicError, SyntaxError) as error:
        raise FormulaError(f"`{node}` cannot be expanded into terms: {error}") from error
    return [tuple(sorted(int(f.expr[1:]) for f in term.factors if f.expr != "1")) for term in terms]


def _check_reserved(node: Node, reserved: int, products: list[tuple[int, ...]]) -> None:
    if () in products:
        raise FormulaError(f"`{node}` has two intercepts; write `0 + Intercept + …`")
    if any(reserved in product and len(product) > 1 for product in products):
        raise FormulaError(f"`{node}`: Intercept can only be a term of its own: `0 + Intercept + …`")


def _atoms(node: Node) -> list[Node]:
    """Columns and calls in ``node``, repeated as often as they appear."""
    if isinstance(node, Name | Call):
        return [node]
    return [atom for child in children(node) for atom in _atoms(child)]


def _algebra(node: Node, symbols: dict[Node, str]) -> str:
    """Text of ``node`` in formulaic's algebra."""
    match node:
        case Name() | Call():
            return symbols[node]
        case Number(text=text):
            return text
        case Unary(operator=operator, operand=operand):
            return f"{operator}{_algebra(operand, symbols)}"
        case Paren(inner=inner):
            return f"({_algebra(inner, symbols)})"
        case Binary(operator="^", left=left, right=Number(text=power)):
            return "*".join(
                [_algebra(left, symbols)] * int(power)
            )  # formulaic's own power takes exponential time
        case Binary(operator=operator, left=left, right=right):
            return f"{_algebra(left, symbols)}{operator}{_algebra(right, symbols)}"
        case Sum(first=first, rest=rest):
            tail = "".join(f" {sign} {_algebra(term, symbols)}" for sign, term in rest)
            return _algebra(first, symbols) + tail
    raise FormulaError(f"`{node}` is no term")
