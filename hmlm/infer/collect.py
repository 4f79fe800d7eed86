"""Between two calls: what is kept of the draws, the bar, and what Ctrl-C leaves."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from hmlm.infer.clock import Clock
from hmlm.infer.draws import Draws
from hmlm.infer.progress import ProgressBar
from hmlm.infer.record import Arrays, Recorder
from hmlm.infer.run import Run, run_of
from hmlm.infer.sink import Moment, Sink

Tree = Any


def collect(
    calls: Iterator[tuple[Draws, list[Tree], int]],
    clock: Clock,
    recorder: Recorder,
    sink: Sink,
    moment: Moment,
    bar: ProgressBar,
) -> Run:
    """Everything that the calls give, or what they gave until Ctrl-C."""
    warmup = recorder.settings.warmup
    clock.add(moment.seconds)
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
