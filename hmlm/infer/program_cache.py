"""Compiled programs kept between processes, by JAX's own cache, while hmlm compiles.

JAX's cache is a setting of the whole process. It is switched on when hmlm is about to compile and set back
after that, so that a user's own programs and settings stay as they are; and not at all where the user has
configured one, by ``JAX_COMPILATION_CACHE_DIR`` or ``jax.config``.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import jax
from jax.experimental.compilation_cache.compilation_cache import reset_cache

from hmlm.infer.cache_folder import drop_damaged, ready_folder

SWITCH = "HMLM_COMPILATION_CACHE"
OFF = ("off", "0", "false", "no")
DIR = "jax_compilation_cache_dir"


class _Switch:
    """JAX's settings while somebody needs the cache: what they are, and what they were before."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._users = 0
        self._before: dict[str, Any] = {}
        self._folder: Path | None = None

    def enter(self) -> bool:
        """Whether the cache is on, for one user more."""
        with self._lock:
            if self._users == 0:
                self._folder = ready_folder() if reason_for_none() is None else None
                if self._folder is None:
                    return False
                self._before = {name: getattr(jax.config, name) for name in _settings(self._folder)}
                _update(_settings(self._folder))
            self._users += 1
            return True

    def leave(self) -> None:
        """One user less; the last sets back what nobody has changed meanwhile."""
        with self._lock:
            self._users -= 1
            if self._users == 0:
                ours = _settings(self._folder)
                same = {name: old for name, old in self._before.items() if _is_still(name, ours[name])}
                _update(same)
                _tidy(self._folder)


_SWITCH = _Switch()


@contextmanager
def kept_programs() -> Iterator[None]:
    """Context in which programs that are compiled are kept for other processes, and theirs are found."""
    entered = _SWITCH.enter()
    try:
        yield
    finally:
        if entered:
            _SWITCH.leave()


def reason_for_none() -> str | None:
    """Why hmlm keeps no programs itself; None where it does if there is a folder for them."""
    if os.environ.get(SWITCH, "").strip().lower() in OFF:
        return f"{SWITCH}={os.environ[SWITCH]}"
    if not jax.config.jax_enable_compilation_cache:
        return "JAX_ENABLE_COMPILATION_CACHE is false"
    if (own := getattr(jax.config, DIR)) is not None:
        return f"JAX keeps them in {own or 'no folder'}, as you configured"
    return None


def _settings(folder: Path) -> dict[str, Any]:
    """Everything is kept: the many small programs before the first draw take a second together."""
    return {
        DIR: str(folder),
        "jax_persistent_cache_min_compile_time_secs": 0.0,
        "jax_persistent_cache_min_entry_size_bytes": -1,
        "jax_raise_persistent_cache_errors": False,
    }


def _update(settings: dict[str, Any]) -> None:
    for name, value in settings.items():
        jax.config.update(name, value)
    reset_cache()


def _is_still(name: str, value: Any) -> bool:
    return getattr(jax.config, name) == value


def _tidy(folder: Path) -> None:
    with suppress(OSError):  # the next process tries again
        drop_damaged(folder)
