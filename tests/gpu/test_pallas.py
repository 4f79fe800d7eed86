"""The Mosaic kernels compiled for an H100: launches per gradient, registers, nothing that must not be there.

Sizes are those of the affect models: 193 groups, 13 033 rows in at most 200 tiles of 128.
"""

from __future__ import annotations

import re
from functools import partial

import jax
import jax.numpy as jnp
import pytest

from gpu_benchmarks.hlo import whole_program
from hmlm.kernels import pallas
from hmlm.kernels.cells import CellPoint, CellTerms
from hmlm.kernels.fused import fused
from hmlm.kernels.rows import RowPoint, RowTerms

from . import measured
from .h100 import compile_for_h100, on_one

pytestmark = [
    pytest.mark.gpu_compile,
    pytest.mark.skipif(not measured.has_compiler(), reason="no CUDA plugin: run `make test-gpu-compile`"),
]

GROUPS, TILES, CHAINS, LANES = 193, 200, 64, 128
SPILLED = re.compile(r"(\d+) bytes spill stores")

# Effects, outcomes, columns, coefficients of a mean and of a log sigma, an offset.
ROWS = {
    "m1": (1, 1, 2, 2, 1, False),
    "m3": (6, 2, 6, 12, 2, False),
    "m5": (5, 1, 10, 10, 10, False),
    "offset": (5, 1, 10, 10, 10, True),
    "eight effects": (8, 2, 8, 16, 16, False),
}
# Effects, outcomes, basis columns, cells per group, constant sigma, shifted.
CELLS = {
    "m3": (6, 2, 8, 1, True, False),
    "m4": (2, 1, 3, 1, False, True),
    "m4, shared sigma": (2, 1, 3, 1, True, True),
}


def single(*shape: int) -> jax.ShapeDtypeStruct:
    return jax.ShapeDtypeStruct(shape, jnp.float32)


def some(n: int, n_outcomes: int) -> tuple[tuple[int, int], ...]:
    return tuple((a % n_outcomes, a // n_outcomes) for a in range(n))


def rows(name: str):
    """Arguments of the rows' kernel for all chains."""
    effects, outcomes, columns, mean, scale, offset = ROWS[name]
    data = pallas.RowTiles(
        columns=single(columns, TILES, LANES),
        outcomes=single(outcomes, TILES, LANES),
        first=jax.ShapeDtypeStruct((GROUPS + 1,), jnp.int32),
        present=single(TILES, LANES),
    )
    point = RowPoint(
        mean=single(CHAINS, mean, GROUPS),
        scale=single(CHAINS, scale, GROUPS),
        precision=single(CHAINS, outcomes, outcomes),
        factor=single(CHAINS, effects, effects),
        offset=single(CHAINS, 2, outcomes, TILES, LANES) if offset else None,
    )
    terms = RowTerms(some(mean, outcomes), some(scale, outcomes), some(effects, outcomes))
    return pallas.evaluate_rows, terms, data, point


def cells(name: str):
    """Arguments of the cells' kernel for all chains."""
    effects, outcomes, basis, per_group, constant, shifted = CELLS[name]
    lanes = (per_group, -(-GROUPS // LANES), LANES)
    data = pallas.LaneCells(
        count=single(*lanes),
        basis=single(basis, basis, 1) if constant and not shifted else single(basis, basis, *lanes),
        mixed=single(basis, effects, *lanes),
        varying=single(effects, effects, *lanes),
        first=single(*lanes),
    )
    point = CellPoint(
        residual=single(CHAINS, basis, outcomes),
        shift=single(CHAINS, effects, GROUPS) if shifted else None,
        log_sigma=single(CHAINS, outcomes, 1 if constant else GROUPS * per_group),
        precision=single(CHAINS, outcomes, outcomes),
        factor=single(CHAINS, effects, effects),
    )
    terms = CellTerms(tuple(a % outcomes for a in range(effects)), GROUPS)
    return pallas.evaluate_cells, terms, data, point


PROGRAMS = {f"rows {name}": partial(rows, name) for name in ROWS}
PROGRAMS |= {f"cells {name}": partial(cells, name) for name in CELLS}


@pytest.fixture(scope="module", params=PROGRAMS)
def compiled(request, tmp_path_factory):
    """The optimised program, and what NVIDIA's assembler said of the kernel in it, with its PTX."""
    evaluate, terms, data, point = PROGRAMS[request.param]()
    gradient = jax.vmap(jax.value_and_grad(partial(fused, evaluate, terms), argnums=1), in_axes=(None, 0))
    folder = tmp_path_factory.mktemp("mosaic")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("MOSAIC_GPU_DUMP_TO", str(folder))
        patch.setenv("MOSAIC_GPU_DUMP_PTX", "1")
        patch.setenv("MOSAIC_GPU_DUMP_PTXAS", "1")
        program = compile_for_h100(gradient, *on_one((data, point)))
    [said], [ptx] = ([path.read_text() for path in folder.glob(kind)] for kind in ("*.ptxas", "*.ptx"))
    return program, said, ptx


def test_all_chains_are_one_kernel_among_few(compiled):
    program, _, _ = compiled
    count = whole_program(program.hlo).count
    assert [call for call in count.calls if call.startswith("mosaic_gpu")] == list(count.calls)
    assert len(count.calls) == 1
    assert count.kernels <= 12


def test_no_spills_no_compare_and_swap_no_tf32(compiled):
    _, said, ptx = compiled
    assert SPILLED.findall(said) == ["0"]
    assert "cas.b32" not in ptx
    assert "tf32" not in ptx
