"""Launches are counted where they belong: loops apart, branches and calls with what runs them."""

from pathlib import Path

from gpu_benchmarks.hlo import collectives, deepest, whole_program

from .measured import table

PAGE = Path(__file__).parents[2] / "docs" / "gpu.md"

HLO = """\
HloModule jit_f

%region (a: f32[]) -> f32[] {
  %a = f32[] parameter(0)
  ROOT %add = f32[] add(%a, %a)
}

%inner_body (s: (f32[4])) -> (f32[4]) {
  %s = (f32[4]{0}) parameter(0)
  %part = f32[4]{0} get-tuple-element(%s), index=0
  %sum = f32[4]{0} fusion(%part), kind=kLoop, calls=%region
  %kept = f32[4]{0} copy(%sum)
  ROOT %t = (f32[4]{0}) tuple(%kept)
}

%inner_condition (s: (f32[4])) -> pred[] {
  %s = (f32[4]{0}) parameter(0)
  ROOT %less = pred[] fusion(%s), kind=kLoop, calls=%region
}

%outer_body (s: (f32[4])) -> (f32[4]) {
  %s = (f32[4]{0}) parameter(0)
  %one = (f32[4]{0}, /*index=1*/s32[1]{0}) custom-call(%s), custom_call_target="cusolver_potrf_ffi"
  ROOT %w = (f32[4]{0}) while(%s), condition=%inner_condition, body=%inner_body
}

%called (p: f32[4]) -> f32[4] {
  %p = f32[4]{0} parameter(0)
  %all = f32[4]{0} all-reduce(%p), to_apply=%region
  ROOT %f = f32[4]{0} fusion(%all), kind=kLoop, calls=%region
}

ENTRY %main (p: f32[4]) -> (f32[4]) {
  %p = f32[4]{0} parameter(0)
  %b = f32[4]{0} bitcast(%p)
  %c = f32[4]{0} call(%b), to_apply=%called
  %t = (f32[4]{0}) tuple(%c)
  ROOT %w = (f32[4]{0}) while(%t), condition=%inner_condition, body=%outer_body
}
"""


def test_calls_count_with_their_caller_and_loops_apart():
    program = whole_program(HLO)
    assert program.count == (2, 0, ())
    assert [part.kernels for part in deepest(program)] == [2, 2, 2]
    assert [part.copies for part in deepest(program)] == [0, 0, 1]
    assert deepest(program)[1].calls == ("cusolver_potrf_ffi",)


def test_collectives_are_found():
    assert len(collectives(HLO)) == 1
    assert not collectives(HLO.replace("all-reduce", "add"))


def test_the_page_shows_the_snapshot():
    assert table() in PAGE.read_text()
