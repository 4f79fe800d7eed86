"""Programs lower for CUDA: no host callback, no double in single precision, no scatter, few library calls.

``jax.export`` refuses host callbacks. Nothing is compiled here, and nothing runs: see ``test_compile``.
"""

import re

import jax
import numpy as np
import pytest

from hmlm.density.coordinates import Coordinates
from hmlm.density.log_density import log_density
from hmlm.infer.settings import CHEES, MEADS

from ..helpers import density, planned
from .programs import as_type, chunk, gradient, gradient_arguments

GRADIENTS = ("correlated", "crossed", "scale", "rescor_scale", "uneven")
# Shaped like the affect models: statistics, two outcomes, effects on sigma by statistics and by rows.
CHUNKS = {"m1": "correlated", "m3": "rescor", "m4": "scale_shared", "m5": "scale"}
CALL = re.compile(r"custom_call @([\w.$]+)")
FACTORIZATION = {"cusolver_potrf_ffi"}  # of the dense remainder of crossed factors


def exported(function, arguments) -> str:
    return jax.export.export(jax.jit(function), platforms=["cuda"])(*arguments).mlir_module()


@pytest.mark.parametrize("choice", ["auto", "informed"])
@pytest.mark.parametrize("name", GRADIENTS)
def test_gradients_of_many_chains(name, choice):
    of = planned(name, choice)
    text = exported(gradient(of), gradient_arguments(of, chains=3))
    assert "f32" in text
    assert "f64" not in text
    assert "scatter" not in text
    assert set(CALL.findall(text)) <= (FACTORIZATION if name == "crossed" else set())


def test_log_density_alone():
    of = density("scale", Coordinates.INFORMED)
    text = exported(
        lambda x, data: log_density(of.static, x, data), as_type((of.initial, of.data), np.float32)
    )
    assert "f64" not in text
    assert not CALL.findall(text)


@pytest.mark.parametrize("name", CHUNKS.values(), ids=CHUNKS)
def test_a_whole_chunk_of_nuts(name):
    text = exported(*chunk(planned(name, "auto"), chains=4))
    assert "stablehlo.while" in text
    assert "f64" not in text
    assert not CALL.findall(text)


@pytest.mark.parametrize("algorithm", [CHEES, MEADS])
def test_a_whole_chunk_of_chains_in_step(algorithm):
    text = exported(*chunk(density("scale", Coordinates.INFORMED), chains=8, algorithm=algorithm))
    assert "stablehlo.while" in text
    assert "f64" not in text
    assert not CALL.findall(text)
