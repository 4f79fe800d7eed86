"""What a family is: its distributional parameters, links, defaults and the outcomes it takes.

Pure data. The mathematics of each family, its density and what follows from it, is in
:mod:`hmlm.density.laws` under the same name.
"""

from __future__ import annotations

import enum
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from hmlm.spec.hint import did_you_mean, listed
from hmlm.spec.support import Support
from hmlm.types import Distribution, HmlmError


class OutcomeKind(enum.Enum):
    """The outcomes a family takes, in words for messages."""

    REAL = "numbers"
    POSITIVE = "numbers above 0"
    NONNEGATIVE = "numbers of at least 0"
    UNIT = "numbers between 0 and 1, both excluded"
    COUNT = "whole numbers of at least 0"
    BINARY = "0 and 1, or two levels"
    SUCCESSES = "whole numbers from 0 to the number of trials: write `y | trials(n) ~ …`"


LABELLED = (OutcomeKind.BINARY,)


@dataclass(frozen=True)
class Dpar:
    """A distributional parameter.

    Attributes:
        name: brms's, ``"mu"``.
        support: where it may lie.
        links: the links a formula of it may have, the default first.
        prior: default prior where it is one number for all rows; None for mu, which always has a formula, and
            for sigma, whose default comes from the outcome.
        intercept: default prior of its intercept where it has a formula; None for mu.
    """

    name: str
    support: Support
    links: tuple[str, ...]
    prior: Distribution | None = None
    intercept: Distribution | None = Distribution("student_t", (3.0, 0.0, 2.5))


@dataclass(frozen=True)
class Family:
    """A response distribution.

    Attributes:
        name: brms's name.
        parameters: distributional parameters, ``mu`` first.
        links: link of each parameter where it has a formula; same order.
        outcome: what outcomes it takes.
        normal: whether the outcome, or its logarithm, is normal with mean mu and standard deviation sigma.
        log_outcome: whether it is a distribution of the logarithm of the outcome.
        mean_is_mu: whether mu is the expected outcome.
        multivariate: whether several outcomes may have a residual correlation.
        additions: the addition terms its outcomes may have.
        custom: the law of a family that users made, None for those of hmlm.
    """

    name: str
    parameters: tuple[Dpar, ...]
    links: tuple[str, ...]
    outcome: OutcomeKind
    normal: bool = False
    log_outcome: bool = False
    mean_is_mu: bool = True
    multivariate: bool = False
    additions: tuple[str, ...] = ("weights", "cens", "trunc")
    custom: Any = None

    @property
    def dpars(self) -> tuple[str, ...]:
        """Names of the distributional parameters."""
        return tuple(parameter.name for parameter in self.parameters)

    def parameter(self, dpar: str) -> Dpar:
        """The distributional parameter of a name."""
        return self.parameters[self.dpars.index(dpar)]

    @property
    def labelled(self) -> bool:
        """Whether outcomes may be text or categories, as codes from 0; true and false may always."""
        return self.outcome in LABELLED

    def link(self, dpar: str) -> str:
        """Link of ``dpar`` where it has a formula."""
        return self.links[self.dpars.index(dpar)]

    def __call__(self, link: str | None = None, **links: str) -> Family:
        """The family with other links: ``bernoulli(link="probit")``, ``student(link_sigma="identity")``.

        Raises:
            HmlmError: no such parameter, or a link it cannot have.
        """
        asked = {"mu": link} if link is not None else {}
        for name, value in links.items():
            asked[name.removeprefix("link_")] = value
        return with_links(self, asked)

    def __str__(self) -> str:
        return self.name


def make_family(name: str, *parameters: Dpar, outcome: OutcomeKind, **rest: Any) -> Family:
    """A family with the default link of every parameter."""
    return Family(name, parameters, tuple(p.links[0] for p in parameters), outcome, **rest)


def with_links(family: Family, asked: Mapping[str, str]) -> Family:
    """The family with the links asked for by parameter."""
    for dpar, link in asked.items():
        if dpar not in family.dpars:
            hint = did_you_mean(dpar, family.dpars)
            raise HmlmError(
                f"the family {family.name} has no parameter {dpar!r}, only {listed(family.dpars)}{hint}"
            )
        allowed = family.parameter(dpar).links
        if link not in allowed:
            hint = did_you_mean(str(link), allowed)
            raise HmlmError(f"{family.name}: {dpar} has no link {link!r}, only {listed(allowed)}{hint}")
    links = tuple(asked.get(p.name, link) for p, link in zip(family.parameters, family.links, strict=True))
    return replace(family, links=links)
