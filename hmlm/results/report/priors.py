"""The priors in force: what each says, and whether somebody stated it."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from hmlm.results.report.grid import NAME, Table, aligned, set_table
from hmlm.spec.bounds import prior_and_bounds
from hmlm.spec.build import build_spec
from hmlm.spec.distribution import interval_of
from hmlm.spec.spec import Spec
from hmlm.spec.support import Support
from hmlm.spec.table import PriorInForce, priors_in_force
from hmlm.types import Design, Distribution, HmlmError

CENTRAL = (0.025, 0.975)
STATED, DEFAULT = "stated", "default"
HALVED = ("normal", "student_t", "cauchy")
CORRELATION = "lkj"

# Arguments of a distribution -> SciPy's name of it with its arguments.
IN_SCIPY: dict[str, Callable[..., tuple[str, dict[str, float]]]] = {
    "normal": lambda mu, sigma: ("norm", {"loc": mu, "scale": sigma}),
    "student_t": lambda nu, mu, sigma: ("t", {"df": nu, "loc": mu, "scale": sigma}),
    "cauchy": lambda mu, sigma: ("cauchy", {"loc": mu, "scale": sigma}),
    "exponential": lambda rate: ("expon", {"scale": 1 / rate}),
    "gamma": lambda shape, rate: ("gamma", {"a": shape, "scale": 1 / rate}),
    "uniform": lambda lower, upper: ("uniform", {"loc": lower, "scale": upper - lower}),
    "lognormal": lambda mu, sigma: ("lognorm", {"s": sigma, "scale": math.exp(mu)}),
    "logistic": lambda mu, sigma: ("logistic", {"loc": mu, "scale": sigma}),
    "inv_gamma": lambda shape, scale: ("invgamma", {"a": shape, "scale": scale}),
    "beta": lambda alpha, beta: ("beta", {"a": alpha, "b": beta}),
}


class PriorRow(NamedTuple):
    """One line: parameter, distribution in words of brms, central 95 % of it, and where it comes from."""

    name: str
    text: str
    limits: tuple[float, float] | None
    source: str


def priors_table(spec: Spec, design: Design) -> Table:
    """A row per prior, with its central 95 %."""
    rows = prior_rows(spec, design)
    limits = [row.limits or (math.nan, math.nan) for row in rows]
    decimals = [_places(low, high) for low, high in limits]
    cells = {
        NAME: [row.name for row in rows],
        "Prior": [row.text for row in rows],
        "from": aligned([low for low, _ in limits], decimals),
        "to": aligned([high for _, high in limits], decimals),
        "Source": [row.source for row in rows],
    }
    html = set_table(pd.DataFrame(cells), None, ("Central 95%", ["from", "to"]), ["Prior", "Source"])
    return Table("Priors in force", html)


def _places(low: float, high: float) -> int:
    """Decimals that show two digits of the larger limit."""
    largest = max(abs(low), abs(high))
    return max(0, 1 - math.floor(math.log10(largest))) if math.isfinite(largest) and largest else 0


def prior_rows(spec: Spec, design: Design) -> tuple[PriorRow, ...]:
    """A row per prior; those equal to what hmlm takes by default are called default."""
    defaults = _defaults(spec, design)
    return tuple(_row(line, defaults) for line in priors_in_force(spec))


def _defaults(spec: Spec, design: Design) -> set[tuple[str, Distribution]] | None:
    """Names and distributions without stated priors; None where the model needs some of them."""
    try:
        plain = build_spec(design, spec.family, ())
    except HmlmError:
        return None
    return {(line.name, line.distribution) for line in priors_in_force(plain)}


def _row(line: PriorInForce, defaults: set[tuple[str, Distribution]] | None) -> PriorRow:
    half = "half " if line.support is Support.POSITIVE and line.distribution.name in HALVED else ""
    text = f"{half}{prior_and_bounds(line.distribution)}" + (f", {line.note}" if line.note else "")
    source = DEFAULT if defaults and (line.name, line.distribution) in defaults else STATED
    return PriorRow(line.name, text, central(line), "" if defaults is None else source)


def central(line: PriorInForce) -> tuple[float, float] | None:
    """2.5 % and 97.5 % quantiles of a prior, of what its bounds leave; None for a flat one.

    Of an LKJ prior those of one correlation: (rho + 1) / 2 ~ Beta(a, a), a = eta - 1 + size / 2.
    """
    found = _in_scipy(line)
    if found is None:
        return None
    below, above = found.cdf(interval_of(line.distribution, line.support))
    low, high = found.ppf(below + (above - below) * np.array(CENTRAL))
    return float(low), float(high)


def _in_scipy(line: PriorInForce) -> Any:
    """The distribution as SciPy has it, None for a flat one."""
    from scipy import stats

    kind, args = line.distribution.name, line.distribution.args
    if kind == CORRELATION:
        a = args[0] - 1 + line.size / 2
        return stats.beta(a, a, loc=-1, scale=2)
    if kind not in IN_SCIPY:
        return None
    name, arguments = IN_SCIPY[kind](*args)
    return getattr(stats, name)(**arguments)
