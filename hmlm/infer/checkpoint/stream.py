"""Draws that go to disk as they come, with the states from which another process can go on."""

from __future__ import annotations

import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from hmlm.infer.checkpoint.folder import DRAWS, STATE, STATES_KEPT, Folder, Saved
from hmlm.infer.checkpoint.parts import write_part
from hmlm.infer.checkpoint.states import packed, unpacked
from hmlm.infer.checkpoint.whole import forget_whole, write_whole
from hmlm.infer.sink import Moment, draw_axis

SECONDS = 5.0  # between two parts: what a kill costs
MOST_BYTES = 2**26  # of draws that wait in memory

Arrays = Mapping[str, np.ndarray]


class DiskSink:
    """A sink that writes a part every few seconds, after ``number`` states and ``parts`` of draws."""

    def __init__(self, folder: Folder, moment: Moment, number: int = 0, parts: int = 0) -> None:
        self._folder, self._moment, self._number, self._parts = folder, moment, number, parts
        self._open: tuple[tuple[Arrays, ...], Moment] = ((), moment)
        self._last = time.perf_counter()

    def put(self, record: Arrays, moment: Moment) -> None:
        """As :class:`hmlm.infer.sink.Sink`."""
        waiting = self._open[0]
        self._open = ((*waiting, record) if record else waiting, moment)
        if time.perf_counter() - self._last >= SECONDS or _size(self._open[0]) >= MOST_BYTES:
            self._flush()

    def close(self, *, complete: bool) -> dict[str, np.ndarray]:
        """As :class:`hmlm.infer.sink.Sink`: arrays that stay on disk until they are looked at."""
        self._flush()
        return write_whole(self._folder, self._parts, self._moment, complete=complete)

    def _flush(self) -> None:
        """Write what waits. A flush that was interrupted can be called again: what it wrote stands."""
        waiting, moment = self._open
        if moment is self._moment:
            return
        number, parts = self._number + 1, self._parts + bool(waiting)
        if waiting:
            self._write(self._folder.part(DRAWS, parts), _joined(waiting), {})
        arrays, facts = packed(moment)
        self._write(self._folder.part(STATE, number), arrays, {**facts, "parts": parts})
        self._number, self._parts, self._moment, self._open = number, parts, moment, ((), moment)
        self._folder.forget_states(but=STATES_KEPT)
        self._last = time.perf_counter()

    def _write(self, path: Path, arrays: Arrays, facts: Mapping[str, Any]) -> None:
        if not path.exists():
            write_part(path, self._folder.run, arrays, facts)


def _size(records: tuple[Arrays, ...]) -> int:
    return sum(array.nbytes for record in records for array in record.values())


def _joined(records: tuple[Arrays, ...]) -> Arrays:
    """Records one after the other."""
    together = {name: [record[name] for record in records] for name in records[0]}
    return {name: np.concatenate(parts, axis=draw_axis(name)) for name, parts in together.items()}


def last_state(folder: Folder) -> Saved | None:
    """The state that a run goes on from, None of one that has none yet.

    Raises:
        DamagedError, ForeignError: naming the file.
    """
    forget_whole(folder)
    return folder.last()


def disk_sink(folder: Folder, saved: Saved | None, start: Moment) -> tuple[DiskSink, Moment]:
    """The sink of a run and the moment from which it goes on: the saved one, in the places of the start.

    Raises:
        DamagedError: the state is another program's.
    """
    if saved is None:
        return DiskSink(folder, start), start
    moment = unpacked(saved.arrays, saved.facts, start.states)
    return DiskSink(folder, moment, saved.number, saved.parts), moment
