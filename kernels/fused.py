"""Kernels that return value and gradients together, as JAX differentiates: wrapped once for all backends.

A backend's ``evaluate(terms, data, point)`` returns the log likelihood, group effects integrated out, and its
gradient in the form of ``point``. Backends know rows (:mod:`hmlm.kernels.rows`) and cells of rows with
constant sigma (:mod:`hmlm.kernels.cells`).
"""

from __future__ import annotations

from collections.abc import Callable, Hashable
from functools import partial
from typing import Any

import jax
from jax import Array

Evaluate = Callable[[Hashable, Any, Any], tuple[Array, Any]]


@partial(jax.custom_vjp, nondiff_argnums=(0, 1))
def fused(evaluate: Evaluate, terms: Hashable, data: Any, point: Any) -> Array:
    """The value alone, with the kernel's gradient for ``point`` and none for ``data``."""
    return evaluate(terms, data, point)[0]


def _forward(evaluate: Evaluate, terms: Hashable, data: Any, point: Any) -> tuple[Array, Any]:
    return evaluate(terms, data, point)


def _backward(evaluate: Evaluate, terms: Hashable, gradient: Any, cotangent: Array) -> tuple[None, Any]:
    return None, jax.tree.map(lambda part: cotangent * part, gradient)


fused.defvjp(_forward, _backward)
