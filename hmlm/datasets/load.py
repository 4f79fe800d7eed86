"""Find a published data set: in HMLM_DATA_DIR, in the user's cache, or at its published address."""

from __future__ import annotations

import os
import tempfile
import urllib.request
import warnings
from pathlib import Path

import pandas as pd

from hmlm.datasets.catalog import DataSet, find
from hmlm.datasets.table import content_sha256, csv_bytes, file_sha256, read_csv, with_levels
from hmlm.types import DataError, DataWarning

TIMEOUT_SECONDS = 30.0


def load_dataset(name: str) -> pd.DataFrame:
    """A published data set as a table, its factors as categoricals with R's level orders.

    Looked for in the folder ``HMLM_DATA_DIR``, then in the user's cache, then downloaded from the
    published address, checked and cached.

    Args:
        name: one of :data:`hmlm.datasets.NAMES`.

    Raises:
        DataError: unknown name, or the table is neither here nor reachable.

    Warns:
        DataWarning: a file in ``HMLM_DATA_DIR`` is not the published one.
    """
    data_set = find(name)
    path = _local(data_set) or _cached(data_set) or _downloaded(data_set)
    return with_levels(read_csv(path), data_set.levels)


def cache_folder() -> Path:
    """Where downloads are kept: ``hmlm/data`` in ``XDG_CACHE_HOME``, or in ``~/.cache``."""
    home = os.environ.get("XDG_CACHE_HOME")
    return (Path(home) if home else Path.home() / ".cache") / "hmlm" / "data"


def _local(data_set: DataSet) -> Path | None:
    folder = os.environ.get("HMLM_DATA_DIR")
    if not folder or not (path := Path(folder) / data_set.file_name).is_file():
        return None
    if file_sha256(path.read_bytes()) != data_set.sha256:
        warnings.warn(
            f"{path} is not the published '{data_set.name}': its SHA-256 differs; results may differ too",
            DataWarning,
            stacklevel=3,
        )
    return path


def _cached(data_set: DataSet) -> Path | None:
    path = cache_folder() / data_set.file_name
    return path if path.is_file() else None


def _downloaded(data_set: DataSet) -> Path:
    content = _checked(data_set, _download(data_set))
    path = cache_folder() / data_set.file_name
    try:
        _write_atomically(path, content)
    except OSError as error:
        raise DataError(
            f"load_dataset: cannot write {path} ({error}); set XDG_CACHE_HOME to a folder you can write to"
        ) from error
    return path


def _download(data_set: DataSet) -> bytes:
    try:
        with urllib.request.urlopen(data_set.url, timeout=TIMEOUT_SECONDS) as response:
            return response.read()
    except OSError as error:
        raise DataError(_unavailable(data_set, error)) from error


def _unavailable(data_set: DataSet, error: OSError) -> str:
    folder = os.environ.get("HMLM_DATA_DIR")
    local = f"HMLM_DATA_DIR={folder} has no {data_set.file_name}" if folder else "HMLM_DATA_DIR is not set"
    needs = data_set.form.needs if data_set.form else ""
    return (
        f"load_dataset: '{data_set.name}' is not on this machine ({local}; nothing in {cache_folder()}) and "
        f"downloading {data_set.url} failed: {error}. Either set HMLM_DATA_DIR to a folder that holds "
        f"{data_set.file_name}, or try again online{f' with {needs!r} installed' if needs else ''}"
    )


def _checked(data_set: DataSet, content: bytes) -> bytes:
    """The downloaded file as CSV, once it is known to be the published table."""
    if data_set.form is None:
        table_csv, found, expected = content, file_sha256(content), data_set.sha256
    else:
        table = data_set.form.read(content)
        table_csv, found, expected = csv_bytes(table), content_sha256(table), data_set.form.content
    if found != expected:
        raise DataError(
            f"load_dataset: {data_set.url} is not the '{data_set.name}' we know: SHA-256 {found}, "
            f"expected {expected}. Set HMLM_DATA_DIR to a folder that holds {data_set.file_name}"
        )
    return table_csv


def _write_atomically(path: Path, content: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.NamedTemporaryFile(dir=path.parent, prefix=path.name, delete=False) as file:
        file.write(content)
    os.replace(file.name, path)
