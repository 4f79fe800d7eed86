"""Hashes that tell whether two fits are of the same data."""

from __future__ import annotations

import hashlib

import numpy as np

from hmlm.types import Design


def outcome_hash(design: Design) -> str:
    """Hash of the outcomes' values in the rows used, whatever predicts them: for comparing models."""
    digest = hashlib.sha256()
    for outcome in design.outcomes:
        digest.update(np.ascontiguousarray(outcome.values, "<f8").tobytes())
        digest.update(b"|")
    return digest.hexdigest()
