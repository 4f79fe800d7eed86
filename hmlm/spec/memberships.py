"""What a model with ``mm(a, b)``, whose rows belong to several levels, may not have beside it."""

from __future__ import annotations

from hmlm.types import Design, FormulaError


def check_memberships(design: Design) -> None:
    """Raise FormulaError for ``mm()`` with residuals in series, or with standard deviations that depend on
    covariates of its levels."""
    names = {factor.name for factor in design.factors if factor.members is not None}
    if names and any(outcome.series is not None for outcome in design.outcomes):
        raise FormulaError("mm() and ar() are not available together; leave one of them out")
    for part in design.sds:
        if part.factor in names:
            raise FormulaError(
                f"sd={{{part.name!r}: …}}: a row of mm() belongs to several levels of {part.factor!r}, so "
                "that its columns are no covariates of one of them; leave this formula out"
            )
