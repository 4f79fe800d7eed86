"""R's update notation: ``". ~ . + x"`` changes a formula, a dot standing for what was there."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from hmlm.formula.bf import as_model_formula
from hmlm.formula.expression import Name, Node, Sum, Tilde
from hmlm.formula.grammar import predictor_of
from hmlm.formula.outcome import DPARS, RESCOR
from hmlm.formula.parser import parse
from hmlm.types import FormulaError, ModelFormula, OutcomeFormula, PredictorFormula

DOT, INTERCEPT = ".", ("0", "1")
EMPTY = PredictorFormula("1", (), "1")  # what a parameter without a formula has

Signed = list[tuple[str, str]]


def update_formula(old: ModelFormula, change: object) -> ModelFormula:
    """The formula ``old`` after ``change``.

    Args:
        old: a model's formula.
        change: ``". ~ . + x"`` for every outcome's mean, ``"y ~ . - x"`` for that of one outcome,
            ``"z ~ ."`` for another outcome, ``"sigma ~ . + x"`` for other parameters; several in a list; or a
            whole formula without dots, as :func:`hmlm.formula.bf.as_model_formula` takes it.

    Raises:
        FormulaError: changes mixed with whole formulas, or text that cannot be read.
    """
    parts = [change] if isinstance(change, str) else list(change) if isinstance(change, list | tuple) else []
    changes = [tilde for part in parts if (tilde := _as_change(part)) is not None]
    if not changes:
        return as_model_formula(change)
    if len(changes) < len(parts):
        raise FormulaError(
            "changes such as '. ~ . + x' cannot be mixed with whole formulas; write all with dots"
        )
    for tilde in changes:
        old = _changed(old, tilde)
    return old


def _as_change(part: object) -> Tilde | None:
    """The formula if a dot stands in it as a term or as the outcome."""
    node = parse(part) if isinstance(part, str) else None
    if not isinstance(node, Tilde):
        return None
    return node if _is_dot(node.left) or any(_is_dot(term) for _, term in _terms(node.right)) else None


def _is_dot(node: Node | None) -> bool:
    return isinstance(node, Name) and node.text == DOT


def _terms(node: Node) -> list[tuple[str, Node]]:
    return [("+", node.first), *node.rest] if isinstance(node, Sum) else [("+", node)]


def _changed(old: ModelFormula, change: Tilde) -> ModelFormula:
    left = None if change.left is None else str(change.left)
    if left == RESCOR:
        return replace(old, rescor=_predictor(dict(old.joint).get(RESCOR, EMPTY), change.right))
    columns = [outcome.column for outcome in old.outcomes]
    if left is not None and left not in columns and _names_dpar(left, old):
        outcomes = [_with_dpar(outcome, left, change.right) for outcome in old.outcomes]
    else:
        outcomes = _with_left(old, left, change)
    return replace(old, outcomes=tuple(outcomes))


def _names_dpar(left: str, old: ModelFormula) -> bool:
    """Whether the change is one of a parameter; a name such as ``music`` only if the model has it."""
    return left in DPARS or any(left == name for outcome in old.outcomes for name, _ in outcome.dpars)


def _with_left(old: ModelFormula, left: str | None, change: Tilde) -> list[OutcomeFormula]:
    """The outcomes after a change of means, of the outcome or of its addition terms."""
    (new,) = as_model_formula(f"{DOT if left is None else left} ~ 1").outcomes
    columns = [outcome.column for outcome in old.outcomes]
    if new.column != DOT and new.column not in columns and len(columns) > 1:
        known = ", ".join(columns)
        raise change.place.error(f"there is no outcome `{left}` to change; the model has {known}")
    return [
        _with_mean(_renamed(outcome, new), change.right)
        if new.column in (DOT, outcome.column) or new.column not in columns
        else outcome
        for outcome in old.outcomes
    ]


def _renamed(outcome: OutcomeFormula, new: OutcomeFormula) -> OutcomeFormula:
    """With the column and the addition terms that the change states; what it leaves out stays."""
    column = outcome.column if new.column == DOT else new.column
    return replace(outcome, column=column, additions=new.additions or outcome.additions)


def _with_mean(outcome: OutcomeFormula, right: Node) -> OutcomeFormula:
    return replace(outcome, mu=_predictor(outcome.mu, right))


def _with_dpar(outcome: OutcomeFormula, name: str, right: Node) -> OutcomeFormula:
    dpars = dict(outcome.dpars)
    dpars[name] = _predictor(dpars.get(name, EMPTY), right)
    return replace(outcome, dpars=tuple(dpars.items()))


def _predictor(old: PredictorFormula, right: Node) -> PredictorFormula:
    change = _terms(right)
    before = [(sign, str(term)) for sign, term in _terms(parse(old.text))]
    if any(str(term) in INTERCEPT for _, term in change):
        before = [(sign, term) for sign, term in before if term not in INTERCEPT]
    signed: Signed = []
    for sign, term in change:
        signed = _joined(signed, before if _is_dot(term) and sign == "+" else [(sign, str(term))])
    return predictor_of(parse(_text(signed or [("+", "1")])))


def _joined(signed: Signed, more: Iterable[tuple[str, str]]) -> Signed:
    """The terms with more: none is added twice, and what is subtracted leaves if it is there."""
    for sign, term in more:
        opposite = ("+" if sign == "-" else "-", term)
        if opposite in signed:
            signed = [pair for pair in signed if pair != opposite]
            if sign == "-":
                continue
        if (sign, term) not in signed:
            signed = [*signed, (sign, term)]
    return signed


def _text(signed: Signed) -> str:
    (sign, first), *rest = signed
    return ("-" if sign == "-" else "") + first + "".join(f" {sign} {term}" for sign, term in rest)
