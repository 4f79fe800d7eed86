"""Families and links, as values: adding one touches no ``if``."""

from __future__ import annotations

from dataclasses import dataclass

from hmlm.spec.hint import did_you_mean
from hmlm.types import HmlmError


@dataclass(frozen=True)
class Family:
    """A response distribution.

    Attributes:
        name: brms's name.
        dpars: distributional parameters, ``mu`` first.
        links: link of each parameter that has a formula; same order as ``dpars``.
        multivariate: whether several outcomes may have a residual correlation.
        labelled: whether outcomes may be text or categories, as codes from 0; true and false may always.
        additions: addition terms that it takes left of ``~``, ``("trials", "weights")``.
    """

    name: str
    dpars: tuple[str, ...]
    links: tuple[str, ...]
    multivariate: bool = False
    labelled: bool = False
    additions: tuple[str, ...] = ()

    def link(self, dpar: str) -> str:
        """Link of ``dpar`` where it has a formula."""
        return self.links[self.dpars.index(dpar)]


GAUSSIAN = Family("gaussian", dpars=("mu", "sigma"), links=("identity", "log"), multivariate=True)

FAMILIES = {family.name: family for family in (GAUSSIAN,)}


def find_family(name: str | Family) -> Family:
    """The family called ``name``.

    Raises:
        HmlmError: there is none of that name; the message lists those there are.
    """
    if isinstance(name, Family):
        return name
    if not isinstance(name, str) or name not in FAMILIES:
        hint = did_you_mean(str(name), FAMILIES)
        raise HmlmError(f"unknown family {name!r}; available: {', '.join(sorted(FAMILIES))}{hint}")
    return FAMILIES[name]
