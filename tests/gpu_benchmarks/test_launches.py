"""Launches read from a program's text, and those that the profiler saw."""

from __future__ import annotations

import jax
import jax.numpy as jnp
import pytest

from gpu_benchmarks.hlo import Launches, launches
from gpu_benchmarks.launches import HEADER, rows_of
from gpu_benchmarks.profiler import Profile, profile
from gpu_benchmarks.sizes import SIZES, TINY

from .tiny import model

TEXT = """HloModule jit_f, is_scheduled=true

%fused (p.1: f32[4]) -> f32[4] {
  %p.1 = f32[4]{0} parameter(0)
  ROOT %s = f32[4]{0} sine(%p.1)
}

%body (t: (s32[], f32[4])) -> (s32[], f32[4]) {
  %t = (s32[], f32[4]{0}) parameter(0)
  %g = f32[4]{0} get-tuple-element(%t), index=1
  %f.1 = f32[4]{0} fusion(%g), kind=kLoop, calls=%fused
  %c = f32[4]{0} copy(%f.1)
  ROOT %r = (s32[], /*index=1*/f32[4]{0}) tuple(%c, %c)
}

%test (t.1: (s32[], f32[4])) -> pred[] {
  %t.1 = (s32[], f32[4]{0}) parameter(0)
  ROOT %lt = pred[] fusion(%t.1), kind=kLoop, calls=%fused
}

%short (q: f32[4]) -> f32[4] {
  ROOT %q = f32[4]{0} parameter(0)
}

%long (q.1: f32[4]) -> f32[4] {
  %q.1 = f32[4]{0} parameter(0)
  ROOT %cc = f32[4]{0} custom-call(%q.1), custom_call_target="solve"
}

ENTRY %main (x: f32[4]) -> f32[4] {
  %x = f32[4]{0} parameter(0)
  %f.2 = f32[4]{0} fusion(%x), kind=kLoop, calls=%fused
  %w = (s32[], f32[4]{0}) while(%f.2), condition=%test, body=%body
  %b = f32[4]{0} call(%f.2), to_apply=%long
  ROOT %d = f32[4]{0} conditional(%b), branch_computations={%short, %long}
}
"""


def test_launches_outside_loops_in_loops_and_in_branches():
    assert launches(TEXT) == Launches(once=3, per_round=3)


def test_the_profiler_sees_what_was_compiled_for():
    x = jnp.ones((50, 50))
    compiled = jax.jit(lambda x: (jnp.sin(x) @ x).sum()).lower(x).compile()
    found = profile(lambda: compiled(x), 5)
    assert found.kernels == launches(compiled.as_text()).once
    assert found.busy > 0


def test_nothing_seen_is_no_figure():
    assert profile(lambda: 0, 2) == Profile(None, None)


def test_a_row_for_fewest_and_most_chains(double):
    found = rows_of("m1", "xla", model("m1").log_density, SIZES[TINY])
    rows = [dict(zip(HEADER, row, strict=True)) for row in found]
    assert [row["chains"] for row in rows] == [1, 2]
    for row in rows:
        assert row["compiled for"] + row["in loops, per round"] > 0
        assert row["measured"] == pytest.approx(row["compiled for"])
