"""How many launches an optimised HLO program is made of, read from its text."""

from __future__ import annotations

import re
from typing import NamedTuple

COMPUTATION = re.compile(r"(ENTRY )?%?([\w.\-]+) \(.*\) -> .* \{")
INSTRUCTION = re.compile(r"\s+(?:ROOT )?%?[\w.\-]+ = (?:\([^=]*\)|\S+) ([\w\-]+)\(")
COMMENT = re.compile(r"/\*.*?\*/")
CALLED = re.compile(r"to_apply=%?([\w.\-]+)")
LOOP = re.compile(r"(?:condition|body)=%?([\w.\-]+)")
BRANCHES = re.compile(r"branch_computations=\{([^}]*)\}")
BRANCH = re.compile(r"(?:true|false)_computation=%?([\w.\-]+)")
NO_LAUNCH = {
    "parameter",
    "constant",
    "tuple",
    "get-tuple-element",
    "bitcast",
    "bitcast-convert",
    "after-all",
    "partition-id",
    "replica-id",
    "opt-barrier",
    "async-start",
    "async-done",
    "copy-done",
}


class Launches(NamedTuple):
    """Of one execution outside loops, and of one round of all loops; of branches the longest counts."""

    once: int
    per_round: int

    def __add__(self, other: tuple[int, ...]) -> Launches:
        once, per_round = other
        return Launches(self.once + once, self.per_round + per_round)


class Instruction(NamedTuple):
    """Operation and line."""

    operation: str
    line: str


Program = dict[str, list[Instruction]]


def launches(text: str) -> Launches:
    """Launches of the optimised HLO that ``compiled.as_text()`` returns."""
    program, entry = parse(text)
    return _launches(program, entry)


def parse(text: str) -> tuple[Program, str]:
    """Instructions of every computation, and the name of the entry."""
    program: Program = {}
    current = entry = ""
    for line in COMMENT.sub("", text).splitlines():
        if head := COMPUTATION.match(line):
            current = head[2]
            program[current] = []
            entry = current if head[1] else entry
        elif current and (found := INSTRUCTION.match(line)):
            program[current].append(Instruction(found[1], line))
    return program, entry


def _launches(program: Program, name: str) -> Launches:
    total = Launches(0, 0)
    for instruction in program[name]:
        total = total + _of_one(program, instruction)
    return total


def _of_one(program: Program, instruction: Instruction) -> Launches:
    operation, line = instruction
    if operation in NO_LAUNCH:
        return Launches(0, 0)
    if operation == "while":
        return Launches(0, sum(sum(_launches(program, name)) for name in LOOP.findall(line)))
    if operation == "conditional":
        return max((_launches(program, name) for name in _branches(line)), default=Launches(0, 0))
    if operation == "call":
        return _launches(program, CALLED.search(line)[1])
    return Launches(1, 0)


def _branches(line: str) -> list[str]:
    listed = BRANCHES.search(line)
    return re.findall(r"[\w.\-]+", listed[1]) if listed else BRANCH.findall(line)
