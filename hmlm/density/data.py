"""The arrays of a model, ready for the device: data are arguments of every program, never constants."""

from __future__ import annotations

from dataclasses import dataclass

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array

from hmlm.density.precision import double_precision
from hmlm.kernels.segments import Segments, make_segments
from hmlm.spec.spec import Block, Spec
from hmlm.types import Design


@jax.tree_util.register_dataclass
@dataclass(frozen=True)
class ModelData:
    """Arrays of one model.

    Attributes:
        outcomes: (M, N).
        columns: per predictor (K, N), centred where the spec says so.
        means: per predictor (K,), what centring took off (zeros without centring).
        varying: per block (Q, N), the columns of its coefficients in the order of its terms.
        segments: per factor, rows by group.
    """

    outcomes: Array
    columns: tuple[Array, ...]
    means: tuple[Array, ...]
    varying: tuple[Array, ...]
    segments: tuple[Segments, ...]


def column_means(spec: Spec, design: Design) -> tuple[np.ndarray, ...]:
    """Per predictor (K,) means that centring takes off its columns; zeros where it does not centre."""
    return tuple(
        part.population.matrix.mean(0) if predictor.centered else np.zeros(len(predictor.names))
        for predictor, part in zip(spec.predictors, design.predictors, strict=True)
    )


def block_columns(block: Block, design: Design) -> np.ndarray:
    """(Q, N) columns of a block's coefficients, in the order of its terms."""
    return np.stack([design.predictors[t.predictor].groups[t.group].matrix[:, t.column] for t in block.terms])


def make_data(spec: Spec, design: Design, rows: np.ndarray | slice = slice(None)) -> ModelData:
    """Arrays of ``design`` (or of some of its rows) in float64, as ``spec`` wants them."""
    means = column_means(spec, design)
    with double_precision():
        return ModelData(
            outcomes=jnp.asarray(np.stack([outcome.values[rows] for outcome in design.outcomes])),
            columns=tuple(
                jnp.asarray((part.population.matrix[rows] - mean).T)
                for part, mean in zip(design.predictors, means, strict=True)
            ),
            means=tuple(jnp.asarray(mean) for mean in means),
            varying=tuple(jnp.asarray(block_columns(block, design)[:, rows]) for block in spec.blocks),
            segments=tuple(
                make_segments(factor.index[rows], len(factor.levels)) for factor in design.factors
            ),
        )
