"""What of a fit a figure shows: factors, outcomes and terms by name, with errors that name the nearest."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from hmlm.spec.hint import did_you_mean, listed
from hmlm.spec.spec import Spec
from hmlm.types import Design, Factor, HmlmError

if TYPE_CHECKING:
    from hmlm.results.fit import Fit
    from hmlm.results.info import Row


def spec_of(fit: Fit) -> Spec:
    """The fit's model.

    Raises:
        HmlmError: the fit does not hold it.
    """
    if fit.spec is None:
        raise HmlmError("this figure needs the model: draw it from the fit that m.fit(...) returned")
    return fit.spec


def design_of(fit: Fit) -> Design:
    """The fit's data.

    Raises:
        HmlmError: the fit does not hold them.
    """
    if fit.design is None:
        raise HmlmError("this figure needs the data: draw it from the fit that m.fit(...) returned")
    return fit.design


def one_of(word: str, options: Sequence[str], argument: str, what: str) -> str:
    """``word`` if it is an option, else an error such as "term = 'dya': no term; did you mean 'day'?"."""
    if word in options:
        return word
    raise HmlmError(
        f"{argument} = {word!r}: no such {what}{did_you_mean(str(word), options)} ({_all(options)})"
    )


def several_of(
    words: str | Iterable[str] | None, options: Sequence[str], argument: str, what: str
) -> list[str]:
    """The options asked for in their own order; None takes all."""
    if words is None:
        return list(options)
    asked = [words] if isinstance(words, str) else list(words)
    return [one_of(word, options, argument, what) for word in asked]


def default_or(word: str | None, options: Sequence[str], argument: str, what: str) -> str:
    """``word``, or the only option; more than one without a word is an error that lists them."""
    if word is not None:
        return one_of(word, options, argument, what)
    if len(options) == 1:
        return options[0]
    raise HmlmError(f"say which {what}: {argument} = one of {listed(options)}")


def factor_of_rows(design: Design, name: str) -> Factor:
    """A grouping factor by its name, of which every row has one level.

    Raises:
        HmlmError: rows belong to several of its levels.
    """
    factor = next(factor for factor in design.factors if factor.name == name)
    if factor.members is not None:
        raise HmlmError(f"rows belong to several levels of {name!r}, and this figure shows rows by level")
    return factor


def response_index(spec: Spec, resp: str | None) -> int:
    """Position of the outcome ``resp`` (brms's cleaned name); None if there is only one."""
    return spec.outcomes.index(default_or(resp, spec.outcomes, "resp", "outcome"))


def predictor_index(spec: Spec, response: int, dpar: str) -> int | None:
    """Position of the predictor of ``dpar`` of an outcome, None without a formula."""
    found = [p for p, q in enumerate(spec.predictors) if q.response == response and q.dpar == dpar]
    return found[0] if found else None


def matching(rows: Sequence[Row], regex: str) -> list[int]:
    """Positions of the parameters whose printed label or draw's name has a match of ``regex``.

    Raises:
        HmlmError: not a regular expression, or nothing matches.
    """
    try:
        pattern = re.compile(regex)
    except re.error as error:
        raise HmlmError(f"regex = {regex!r} is not a regular expression: {error}") from error
    found = [i for i, row in enumerate(rows) if pattern.search(row.label) or pattern.search(row.variable)]
    if not found:
        hint = did_you_mean(regex, [row.label for row in rows])
        raise HmlmError(f"regex = {regex!r} matches no parameter{hint} ({_all([r.label for r in rows])})")
    return found


def _all(options: Sequence[str]) -> str:
    few = listed(options[:12]) + (", …" if len(options) > 12 else "")
    return f"there are {few}" if options else "there are none"
