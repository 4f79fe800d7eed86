"""What a person at a terminal sees between chunks; nothing where there is no terminal."""

from __future__ import annotations

from types import TracebackType

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn


class ProgressBar:
    """A bar over warm-up and sampling draws with the number of divergences so far."""

    def __init__(self, total: int, *, show: bool | None) -> None:
        console = Console(stderr=True)
        self._total = total
        self._bar = Progress(
            TextColumn("{task.fields[phase]}"),
            BarColumn(),
            TextColumn("{task.completed}/{task.total} draws, {task.fields[divergences]} divergences"),
            TimeElapsedColumn(),
            TimeRemainingColumn(),
            console=console,
            disable=not (console.is_terminal if show is None else show),
        )
        self._task = self._bar.add_task("", total=total, phase="compiling", divergences=0)

    def update(self, completed: int, *, phase: str, divergences: int) -> None:
        """Show that each chain has done ``completed`` draws."""
        completed = min(completed, self._total)
        self._bar.update(self._task, completed=completed, phase=phase, divergences=divergences)

    def __enter__(self) -> ProgressBar:
        self._bar.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._bar.stop()
