"""Cross-products of columns with effects of independent pseudo-levels, from those with dependent levels."""

from __future__ import annotations

import numpy as np

from hmlm.density.mixing import Mixing
from hmlm.density.plan import Plan
from hmlm.spec.spec import Spec
from hmlm.types import Design


def mixing_of_first(spec: Spec, plan: Plan, mixing: Mixing) -> np.ndarray | None:
    """(J, J) mixing of the levels of the first factor, None where they are independent."""
    known = [mixing[b] for f in plan.factors[:1] for b, _ in plan.integrated(spec, f)]
    return known[0] if known else None


def mixing_of_rows(spec: Spec, design: Design, plan: Plan, mixing: Mixing) -> np.ndarray | None:
    """(T, T) the same of those levels that have rows: nothing is known of the other pseudo-levels."""
    first = mixing_of_first(spec, plan, mixing)
    if first is None:
        return None
    present = np.unique(design.factors[plan.factors[0]].index)
    return first[np.ix_(present, present)]


def of_pseudo_levels(products: np.ndarray, split: int, mixing: np.ndarray) -> np.ndarray:
    """(A, A, T) cross-products with the varying columns, from ``split`` on, of pseudo-levels.

    Those of the basis with itself are left by level: only their sum counts.
    """
    out = products.copy()
    out[:split, split:] = products[:split, split:] @ mixing
    out[split:, :split] = out[:split, split:].swapaxes(0, 1)
    out[split:, split:] = products[split:, split:] @ mixing**2
    return out


def of_pseudo_effects(spec: Spec, plan: Plan, rows: np.ndarray, mixing: Mixing) -> np.ndarray:
    """(S, ...) rows of the dense effects as those of the effects of their pseudo-levels."""
    terms = [(spec.factors[f].n_levels, mixing[b]) for f in plan.dense for b, _ in plan.integrated(spec, f)]
    parts = np.split(rows, np.cumsum([levels for levels, _ in terms])[:-1])
    return np.concatenate(
        [
            part if own is None else np.tensordot(own.T, part, 1)
            for part, (_, own) in zip(parts, terms, strict=True)
        ]
    )
