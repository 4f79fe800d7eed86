"""Several hosts, one process each: their parts of the chains, and what they tell each other between calls.

They talk through the key-value store of JAX's coordination service, arrays as npz, never from inside a
compiled program. Whoever waits hears when another has failed, and notices when one has gone silent.
"""

from __future__ import annotations

import io
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from itertools import count
from typing import Any

import jax
import numpy as np

from hmlm.types import HmlmError

Tree = Any

LOST_AFTER = 60.0  # seconds without a sign of life
BEAT = 2.0  # seconds between two signs
POLL = 1.0  # seconds a wait lasts before it looks around
PIECE = 16 * 2**20  # bytes of a message
_RUNS = count()


@dataclass(frozen=True)
class Hosts:
    """The hosts of one run; all of them make the same calls in the same order.

    Attributes:
        count: how many.
        own: which of them this process is; 0 is the coordinator.
        run: names what is said in this run.
    """

    count: int = 1
    own: int = 0
    run: int = 0

    def part(self, chains: int) -> slice:
        """Which of the chains are this host's.

        Raises:
            HmlmError: they do not divide by the hosts.
        """
        if chains % self.count:
            raise HmlmError(
                f"chains={chains} must be a multiple of the {self.count} hosts: "
                f"chains={nearest_multiple(chains, self.count)}"
            )
        size = chains // self.count
        return slice(self.own * size, (self.own + 1) * size)

    def told(self, name: str, tree: Tree) -> list[Tree]:
        """What each host says by that name, which a run uses once: a tree of NumPy arrays per host.

        Args:
            name: of what is told.
            tree: what this host says; the others' trees have the same structure.

        Raises:
            HmlmError: a host failed, or nothing was heard of it for a minute.
        """
        leaves, structure = jax.tree.flatten(jax.tree.map(np.asarray, tree))
        if self.count == 1:
            return [jax.tree.unflatten(structure, leaves)]
        self._say(name, _packed(leaves))
        heard = [
            leaves if host == self.own else _unpacked(self._hear(name, host)) for host in range(self.count)
        ]
        if any(len(each) != len(leaves) for each in heard):
            raise HmlmError(
                "hosts group their chains differently: give each as many cores, or as many devices"
            )
        return [jax.tree.unflatten(structure, each) for each in heard]

    def gathered(self, name: str, tree: Tree) -> Tree:
        """The hosts' trees of equal shapes as one, whose leaves have a new leading axis of hosts."""
        return jax.tree.map(lambda *leaves: np.stack(leaves), *self.told(name, tree))

    @contextmanager
    def together(self) -> Iterator[None]:
        """While they work on a run: the others hear from this host that it lives, or why it failed."""
        if self.count == 1:
            yield
            return
        over = threading.Event()
        threading.Thread(target=self._beat, args=(over,), daemon=True).start()
        try:
            yield
            self._part_ways()
        except BaseException as error:
            with suppress(Exception):
                _client().key_value_set(self._key("failed", self.own), f"{error or type(error).__name__}")
            raise
        finally:
            over.set()

    def _part_ways(self) -> None:
        """Once all have come here; the coordinator, in whose memory all of this lies, leaves last."""
        for mark, awaited in (("ready", self.count), ("left", self.count if self.own == 0 else 0)):
            _client().key_value_set(self._key(mark, self.own), mark)
            for host in range(awaited):
                self._waited(self._key(mark, host), host)
        _client().key_value_delete(self._key("said", self.own))

    def _beat(self, over: threading.Event) -> None:
        for beat in count():
            with suppress(Exception):
                _client().key_value_set(self._key("alive", self.own), str(beat), allow_overwrite=True)
            if over.wait(BEAT):
                return

    def _say(self, name: str, content: bytes) -> None:
        pieces = [content[i : i + PIECE] for i in range(0, len(content), PIECE)]
        for i, piece in enumerate(pieces):
            _client().key_value_set_bytes(self._key("said", self.own, name, i), piece)
        _client().key_value_set(self._key("pieces", self.own, name), str(len(pieces)))

    def _hear(self, name: str, host: int) -> bytes:
        n = int(self._waited(self._key("pieces", host, name), host))
        return b"".join(self._waited(self._key("said", host, name, i), host) for i in range(n))

    def _waited(self, key: str, host: int) -> bytes:
        """The value of a key, once it is there."""
        sign, since = None, time.monotonic()
        while True:
            try:
                return _client().blocking_key_value_get_bytes(key, round(1000 * POLL))
            except jax.errors.JaxRuntimeError as error:
                if "DEADLINE_EXCEEDED" not in str(error):
                    raise HmlmError(
                        f"the coordinator, host 0, cannot be reached: {_first_line(error)}"
                    ) from error
            self._check_failures()
            now = self._sign_of(host)
            sign, since = (sign, since) if now == sign else (now, time.monotonic())
            if time.monotonic() - since > LOST_AFTER:
                raise HmlmError(
                    f"host {host} has shown no sign of life for {LOST_AFTER:.0f} seconds: it failed before "
                    "sampling, was killed or lost its network; start the run again on all hosts"
                )

    def _check_failures(self) -> None:
        for key, words in _client().key_value_dir_get(self._key("failed")):
            host = key.rsplit("/", 1)[-1]
            raise HmlmError(f"host {host} of {self.count} failed, so that this one stops too: {words}")

    def _sign_of(self, host: int) -> str | None:
        found = dict(_client().key_value_dir_get(self._key("alive")))
        return next((beat for key, beat in found.items() if key.endswith(f"/{host}")), None)

    def _key(self, *parts: object) -> str:
        return "/".join(map(str, ("hmlm", self.run, *parts)))


def all_hosts() -> Hosts:
    """Those of ``jax.distributed``, for a new run; this one alone where it was not initialised."""
    if not jax.distributed.is_initialized():
        return Hosts()
    return Hosts(jax.process_count(), jax.process_index(), next(_RUNS))


def connect(
    coordinator: str | None = None, processes: int | None = None, process_id: int | None = None
) -> None:
    """Make this process one of several hosts, before JAX starts; waits for the others.

    Args:
        coordinator: ``"host:port"`` of process 0; None, of all three, is what the cluster says (SLURM, MPI).
        processes: how many there are.
        process_id: which of them this is, from 0.

    Raises:
        HmlmError: JAX has started, the others did not come, or no cluster says who they are.
    """
    method = None if coordinator is None else "deactivate"
    try:
        jax.distributed.initialize(coordinator, processes, process_id, cluster_detection_method=method)
    except (RuntimeError, ValueError) as error:
        raise HmlmError(f"the hosts do not come together: {_first_line(error)}") from error


def first_host() -> bool:
    """Whether this process is the one that prints and writes files; asking does not start JAX."""
    return not jax.distributed.is_initialized() or _service().process_id == 0


def any_host(flag: bool) -> bool:
    """Whether it is true on any host; all of them ask."""
    hosts = all_hosts()
    with hosts.together():
        return any(bool(told) for told in hosts.told("flag", np.bool_(flag)))


def nearest_multiple(number: int, of: int) -> int:
    """The multiple of ``of`` that is closest to ``number``, at least one time it."""
    return max(round(number / of), 1) * of


def _client() -> Any:
    """Of the coordination service."""
    return _service().client


def _service() -> Any:
    """What ``jax.distributed`` knows; JAX has no public name for it."""
    from jax._src.distributed import global_state

    return global_state


def _packed(leaves: list[np.ndarray]) -> bytes:
    file = io.BytesIO()
    np.savez(file, *leaves)
    return file.getvalue()


def _unpacked(content: bytes) -> list[np.ndarray]:
    with np.load(io.BytesIO(content), allow_pickle=False) as arrays:
        return [arrays[f"arr_{i}"] for i in range(len(arrays.files))]


def _first_line(error: Exception) -> str:
    return next(iter(str(error).splitlines()), type(error).__name__)
