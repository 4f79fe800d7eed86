"""How many kernels a compiled program launches, read off its optimised HLO."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import NamedTuple

COMMENT = re.compile(r"/\*index=\d+\*/")
COMPUTATION = re.compile(r"^(ENTRY )?%?([\w.\-]+) \(.*\) -> .* \{$")
INSTRUCTION = re.compile(r"^\s+(?:ROOT )?%?[\w.\-]+ = (?:\(.*?\)|\S+) ([\w\-]+)\(")
CALLED = re.compile(r"(?:to_apply|condition|body|true_computation|false_computation)=%?([\w.\-]+)")
BRANCHES = re.compile(r"branch_computations=\{([^}]*)\}")
LIBRARY = re.compile(r'custom_call_target="([^"]+)"')
COLLECTIVE = re.compile(r"\b(?:all-reduce|all-gather|all-to-all|reduce-scatter|collective-\w+)(?:-start)?\(")

CONTROL = {"while", "conditional", "call"}
COPIES = {"copy", "copy-start"}
NOTHING = {
    *("parameter", "constant", "tuple", "get-tuple-element", "bitcast", "after-all", "opt-barrier"),
    *("partition-id", "replica-id", "copy-done", "async-start", "async-done", "bitcast-convert"),
}


class Count(NamedTuple):
    """Of one straight piece of a program: kernels launched, buffers copied on the device, library calls.

    ``calls`` are among the kernels: each is at least one launch.
    """

    kernels: int
    copies: int
    calls: tuple[str, ...]


@dataclass(frozen=True)
class Loop:
    """A loop inside a program: what one turn launches, its condition included, and the loops in it."""

    count: Count
    loops: tuple[Loop, ...]


class Launches(NamedTuple):
    """Kernels and copies of one execution outside loops, and of one round of all loops."""

    once: int
    per_round: int


def launches(hlo: str) -> Launches:
    """Launches of the optimised HLO that ``compiled.as_text()`` returns."""
    program = whole_program(hlo)
    return Launches(_launched(program), sum(_with_inner(loop) for loop in program.loops))


def _launched(loop: Loop) -> int:
    return loop.count.kernels + loop.count.copies


def _with_inner(loop: Loop) -> int:
    return _launched(loop) + sum(_with_inner(inner) for inner in loop.loops)


def whole_program(hlo: str) -> Loop:
    """The program as a loop of one turn."""
    computations, entry = _computations(hlo)
    return _piece(computations, (entry,))


def collectives(hlo: str) -> list[str]:
    """Operations that talk to other devices."""
    return COLLECTIVE.findall(hlo)


def deepest(loop: Loop) -> list[Count]:
    """What one turn launches at each depth, following the loop that is nested deepest."""
    inner = max((deepest(own) for own in loop.loops), key=len, default=[])
    return [loop.count, *inner]


def _computations(hlo: str) -> tuple[dict[str, list[str]], str]:
    found: dict[str, list[str]] = {}
    entry = name = ""
    for line in COMMENT.sub("", hlo).splitlines():
        if head := COMPUTATION.match(line):
            name = head[2]
            entry = name if head[1] else entry
            found[name] = []
        elif INSTRUCTION.match(line):
            found[name].append(line)
    return found, entry


def _piece(computations: dict[str, list[str]], names: tuple[str, ...]) -> Loop:
    """These computations one after another; what they call and branch to counts as theirs."""
    lines = [line for name in names for line in computations[name]]
    operations = [(INSTRUCTION.match(line)[1], line) for line in lines]
    launched = [line for op, line in operations if op not in NOTHING | CONTROL | COPIES]
    calls = tuple(LIBRARY.search(line)[1] for op, line in operations if op == "custom-call")
    copies = sum(op in COPIES for op, _ in operations)
    inside = [_piece(computations, _called(line)) for op, line in operations if op in CONTROL - {"while"}]
    loops = [_piece(computations, _called(line)) for op, line in operations if op == "while"]
    count = Count(
        len(launched) + sum(part.count.kernels for part in inside),
        copies + sum(part.count.copies for part in inside),
        calls + tuple(call for part in inside for call in part.count.calls),
    )
    return Loop(count, (*loops, *(loop for part in inside for loop in part.loops)))


def _called(line: str) -> tuple[str, ...]:
    branches = BRANCHES.search(line)
    names = branches[1].split(",") if branches else CALLED.findall(line)
    return tuple(name.strip().lstrip("%") for name in names)
