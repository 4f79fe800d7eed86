"""Between two calls: what is kept of the draws, the bar, and what Ctrl-C leaves."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

from hmlm.infer.draws import Draws
from hmlm.infer.progress import ProgressBar
from hmlm.infer.record import Arrays, Recorder
from hmlm.infer.run import Run, run_of
from hmlm.infer.sink import Moment, Sink

Tree = Any


def collect(
    calls: Iterator[tuple[Draws, list[Tree], int]],
    compile_seconds: float,
    recorder: Recorder,
    sink: Sink,
    moment: Moment,
    bar: ProgressBar,
) -> Run:
    """Everything that the calls give, or what they gave until Ctrl-C."""
    clock, warmup = _Clock(compile_seconds, moment.seconds), recorder.settings.warmup
    try:
        for draws, states, done in calls:
            clock.lap("warmup" if done <= warmup else "sampling")
            record, moment = _after(recorder, moment, draws, states, done)
            moment = replace(moment, seconds=dict(clock.seconds))
            sink.put(record, moment)
            phase = "warm-up" if done < warmup else "sampling"
            bar.update(done, phase=phase, divergences=moment.divergences)
    except KeyboardInterrupt:
        arrays = sink.close(complete=False)
        if not arrays:
            raise
        return run_of(arrays, moment, interrupted=True)
    return run_of(sink.close(complete=True), moment)


def _after(
    recorder: Recorder, before: Moment, draws: Draws, states: list[Tree], done: int
) -> tuple[Arrays, Moment]:
    """What is kept of a call's draws, {} in warm-up, and the moment after it."""
    first = before.done - recorder.settings.warmup
    if first < 0:
        return {}, replace(before, states=states, done=done)
    record, carried = recorder.record(draws, first, before.carried)
    kept = (done - recorder.settings.warmup) // recorder.settings.thin
    divergences = before.divergences + int(draws.diverging.sum())
    after = replace(before, states=states, done=done, kept=kept, divergences=divergences, carried=carried)
    return record, after


class _Clock:
    def __init__(self, compile_seconds: float, before: Mapping[str, float]) -> None:
        self.seconds = {"compile": 0.0, "warmup": 0.0, "sampling": 0.0, **before}
        self.seconds["compile"] += compile_seconds
        self._last = time.perf_counter()

    def lap(self, phase: str) -> None:
        now = time.perf_counter()
        self.seconds[phase] += now - self._last
        self._last = now
