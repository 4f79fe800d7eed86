"""One process at a time goes on with a run; a killed one lets go of it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from hmlm.types import HmlmError

NAME = ".lock"


@contextmanager
def locked(folder: Path) -> Iterator[None]:
    """Hold a run's folder, where the system has locks that die with their process.

    Raises:
        HmlmError: another process holds it.
    """
    try:
        import fcntl
    except ImportError:  # not on Windows
        yield
        return
    with (folder / NAME).open("wb") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise HmlmError(
                f"another process samples into '{folder}': wait for it, or end it first"
            ) from error
        yield
