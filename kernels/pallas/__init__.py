"""The fused likelihood kernels for NVIDIA GPUs, as Mosaic kernels: one launch for all chains and groups.

Imports anywhere; the kernels run on Hopper and newer (:func:`supported`), and interpreted, slowly, on a CPU.
Compiled for an H100 and never run on one: see ``tests/gpu``.
"""

from hmlm.kernels.pallas.cells import LaneCells, evaluate_cells, lane_cells
from hmlm.kernels.pallas.mosaic import available, missing, supported
from hmlm.kernels.pallas.rows import RowTiles, evaluate_rows, tile_rows

__all__ = [
    "LaneCells",
    "RowTiles",
    "available",
    "evaluate_cells",
    "evaluate_rows",
    "lane_cells",
    "missing",
    "supported",
    "tile_rows",
]
