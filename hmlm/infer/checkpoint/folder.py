"""The folder of a run: which parts it holds, and the last moment from which one can go on.

``draws-000007.npz`` holds the draws between two moments, ``state-000009.npz`` a moment and how many parts of
draws came before. A moment counts once its state is there; two states are kept, so that a damaged last part
costs some seconds of sampling and no more.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from hmlm.infer.checkpoint.parts import DamagedError, read_part
from hmlm.types import CheckpointWarning, HmlmError

DRAWS, STATE = "draws", "state"
FINISHED = "finished.json"
STATES_KEPT = 2
START_ANEW = "restore the file from a copy, or start anew in an empty folder"

Arrays = Mapping[str, np.ndarray]


@dataclass(frozen=True)
class Saved:
    """A state as it was read.

    Attributes:
        number: of the state.
        parts: parts of draws that come before it.
        arrays, facts: of :func:`hmlm.infer.checkpoint.states.packed`.
    """

    number: int
    parts: int
    arrays: Arrays
    facts: Mapping[str, Any]


@dataclass(frozen=True)
class Folder:
    """The folder of the run with the id ``run``."""

    path: Path
    run: str

    def part(self, kind: str, number: int) -> Path:
        """The file of a part."""
        return self.path / f"{kind}-{number:06d}.npz"

    def numbers(self, kind: str) -> list[int]:
        """Of the parts that are there, in order."""
        found = (path.stem.rpartition("-")[2] for path in self.path.glob(f"{kind}-*.npz"))
        return sorted(int(number) for number in found if number.isdecimal())

    @property
    def finished(self) -> bool:
        """Whether the run has come to its end."""
        return (self.path / FINISHED).exists()

    def done(self) -> int:
        """Draws per chain of the last state that can be read, warm-up's too."""
        for number in reversed(self.numbers(STATE)):
            with suppress(HmlmError):
                return read_part(self.part(STATE, number), self.run)[1]["done"]
        return 0

    def draws(self, parts: int) -> Iterator[Arrays]:
        """Part after part of draws.

        Raises:
            DamagedError, ForeignError: naming the file.
        """
        for number in range(1, parts + 1):
            yield read_part(self.part(DRAWS, number), self.run)[0]

    def last(self) -> Saved | None:
        """The last state whose parts are all whole, None before the first; later parts are removed.

        A last part that is damaged is given up with a warning: what it held is sampled again.

        Raises:
            DamagedError: draws are lost that no state leads to again.
            ForeignError: a part of another run.
        """
        trouble: list[str] = []
        for number in reversed(self.numbers(STATE)):
            try:
                saved = self._whole(number)
            except DamagedError as error:
                trouble.append(str(error))
                continue
            return self._given_up_after(saved, trouble)
        if len(self.numbers(DRAWS)) > 1:
            what = trouble[-1] if trouble else f"'{self.path}' holds draws but no state"
            raise DamagedError(f"{what}, and no other state goes on from the draws there: {START_ANEW}")
        return self._given_up_after(None, trouble)

    def _whole(self, number: int) -> Saved:
        """A state all of whose parts are whole."""
        arrays, facts = read_part(self.part(STATE, number), self.run)
        for _ in self.draws(facts["parts"]):
            pass
        return Saved(number, facts["parts"], arrays, facts)

    def _given_up_after(self, saved: Saved | None, trouble: list[str]) -> Saved | None:
        """``saved``, whatever was written after it removed."""
        if trouble:
            warnings.warn(
                f"{'; '.join(trouble)}: going on from the moment before it", CheckpointWarning, stacklevel=4
            )
        after = {STATE: saved.number if saved else 0, DRAWS: saved.parts if saved else 0}
        for kind, last in after.items():
            for number in self.numbers(kind):
                if number > last:
                    self._remove(self.part(kind, number))
        return saved

    def _remove(self, path: Path) -> None:
        """Remove a part that is damaged or the run's own.

        Raises:
            ForeignError: it is another run's.
        """
        with suppress(DamagedError):
            read_part(path, self.run)
        path.unlink(missing_ok=True)

    def forget_states(self, but: int = 0) -> None:
        """Remove all but the last ``but`` states."""
        for number in self.numbers(STATE)[: -but or None]:
            self.part(STATE, number).unlink(missing_ok=True)
