"""Notebooks read, given other settings and run, as a person would run them."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import nbformat
from nbclient import NotebookClient

EXAMPLES = Path(__file__).parents[2] / "examples"
SECONDS_PER_CELL = 300


def read(path: Path) -> nbformat.NotebookNode:
    """The notebook, checked against its format."""
    notebook = nbformat.read(path, as_version=4)
    nbformat.validate(notebook)
    return notebook


def code_cells(notebook: nbformat.NotebookNode) -> list[nbformat.NotebookNode]:
    """Its cells of code, in order."""
    return [cell for cell in notebook.cells if cell.cell_type == "code"]


def with_settings(notebook: nbformat.NotebookNode, settings: Mapping[str, Any]) -> nbformat.NotebookNode:
    """The notebook with assignments after its cell tagged ``parameters``, as papermill puts them."""
    (place,) = [i for i, cell in enumerate(notebook.cells) if "parameters" in cell.metadata.get("tags", ())]
    source = "\n".join(f"{name} = {value!r}" for name, value in settings.items())
    notebook.cells.insert(place + 1, nbformat.v4.new_code_cell(source))
    return notebook


def run(notebook: nbformat.NotebookNode, folder: Path) -> nbformat.NotebookNode:
    """The notebook with its outputs, run in a folder; a cell's exception is raised."""
    resources = {"metadata": {"path": str(folder)}}
    NotebookClient(notebook, timeout=SECONDS_PER_CELL, kernel_name="python3", resources=resources).execute()
    return notebook


def printed(cell: nbformat.NotebookNode) -> str:
    """What a cell printed."""
    return "".join(output.text for output in cell.outputs if output.get("name") == "stdout")


def figures(notebook: nbformat.NotebookNode) -> list[str]:
    """PNG pictures that its cells show, in base64."""
    outputs = [output for cell in code_cells(notebook) for output in cell.outputs]
    return [output.data["image/png"] for output in outputs if "image/png" in output.get("data", {})]
