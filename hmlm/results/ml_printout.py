"""What ``print`` shows of a maximum-likelihood fit: brms's tables, lme4's criteria, and what it is."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator, Mapping

import pandas as pd

from hmlm.results.ml_info import MlInfo
from hmlm.results.printout import WIDTH, header, sections

CLOSING = """\
Estimates by {method}, with standard errors and Wald intervals (of standard deviations on the log scale, of \
correlations by Fisher's z; confint(method="profile") does better). A point estimate, not a posterior: no \
priors, no draws. fit(algorithm="nuts") samples the posterior."""


def printout(info: MlInfo, frame: pd.DataFrame, criteria: Mapping[str, float]) -> str:
    """The whole text.

    Args:
        info: the facts beside the table.
        frame: the summary, one row per ``info.rows``.
        criteria: AIC, BIC and so on.
    """
    parts = [_header(info), _criteria(info, criteria), *sections(info, frame)]
    parts.append(textwrap.fill(CLOSING.format(method=info.method), WIDTH))
    return "\n\n".join([*parts, *_notes(info)])


def problems(info: MlInfo) -> Iterator[str]:
    """What speaks against these estimates, with what to do."""
    if info.singular:
        blocks = ", ".join(info.singular)
        yield (
            f"boundary (singular) fit: the covariance matrix of {blocks} is singular: a standard deviation "
            "is zero or a correlation one. Standard errors there are not defined; leave a term out, or "
            'sample the posterior with fit(algorithm="nuts"), which averages over what the data leave open'
        )
    if info.flat and not info.singular:
        yield (
            "the likelihood is flat in some direction: the data cannot tell all parameters apart, and "
            "standard errors leave that direction out. If a grouping factor has a level per row, leave it out"
        )
    if not info.converged:
        yield (
            f"the climb did not converge: the log likelihood could still rise by about {info.rise:.2g}. "
            "Columns may be far apart in scale, or the data may not tell all parameters apart"
        )


def _header(info: MlInfo) -> str:
    dropped = f"; {info.n_dropped} rows with missing values left out" if info.n_dropped else ""
    phases = ", ".join(f"{name} {seconds:.1f}" for name, seconds in info.seconds)
    total = sum(seconds for _, seconds in info.seconds)
    return header(
        (
            ("Method", [info.method]),
            ("Family", [info.family]),
            ("Links", info.links),
            ("Formula", [line for outcome in info.formulas for line in outcome]),
            ("Data", [f"{info.data_name} (Number of observations: {info.n_rows}{dropped})"]),
            ("Time", [f"{total:.1f} s ({phases})"]),
        )
    )


def _criteria(info: MlInfo, criteria: Mapping[str, float]) -> str:
    """One line of names over one of numbers, as lme4 has them."""
    names = [_criterion(name, info) for name in criteria]
    cells = [f"{value:.0f}" if name == "df" else f"{value:.2f}" for name, value in criteria.items()]
    widths = [max(len(name), len(cell)) + 2 for name, cell in zip(names, cells, strict=True)]
    lines = [
        "".join(text.rjust(width) for text, width in zip(row, widths, strict=True)) for row in (names, cells)
    ]
    return "\n".join(lines)


def _criterion(name: str, info: MlInfo) -> str:
    if not info.restricted:
        return name
    return {"logLik": "restricted logLik", "deviance": "REML criterion"}.get(name, name)


def _notes(info: MlInfo) -> list[str]:
    return [
        textwrap.fill(f"Warning: {problem}", WIDTH, subsequent_indent="  ", break_on_hyphens=False)
        for problem in problems(info)
    ]
