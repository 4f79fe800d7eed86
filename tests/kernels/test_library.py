"""Whether the compiled library suits the jaxlib that runs: made-up libraries with a recorded version."""

from __future__ import annotations

import logging
from pathlib import Path
from types import SimpleNamespace

import jax
import pytest

from hmlm.kernels.native import library
from hmlm.kernels.native.library import KERNELS, SUFFIXES, Interface, interface_of

RUNNING = interface_of(Path(jax.ffi.include_dir()))


@pytest.fixture
def registered(monkeypatch, tmp_path) -> list[str]:
    """Names registered with XLA; the library, to be set by :func:`loaded`, seems to be on disk."""
    names: list[str] = []
    monkeypatch.setattr(library, "PATH", tmp_path)
    monkeypatch.setattr(jax.ffi, "pycapsule", lambda function: function)
    monkeypatch.setattr(jax.ffi, "register_ffi_target", lambda name, *_, **__: names.append(name))
    return names


def loaded(monkeypatch, interface: Interface) -> library.Loaded:
    """What loading a library gives that was compiled with headers of this version."""
    symbols = {f"hmlm_{kernel}_{suffix}": None for kernel in KERNELS for suffix in SUFFIXES.values()}
    version = 1000 * interface.major + interface.minor
    made_up = SimpleNamespace(**symbols, hmlm_interface=lambda: version)
    monkeypatch.setattr(library.ctypes, "CDLL", lambda path: made_up)
    return library._load.__wrapped__()


@pytest.mark.parametrize(
    "newer", [RUNNING._replace(minor=RUNNING.minor + 1), RUNNING._replace(major=RUNNING.major + 1)]
)
def test_a_library_of_newer_headers_is_left_alone_and_it_is_said(newer, registered, monkeypatch, caplog):
    """Once registered, JAX could not start its CPU backend, or would say `No FFI handler registered`."""
    with caplog.at_level(logging.WARNING, "hmlm"):
        found = loaded(monkeypatch, newer)
    assert found.library is None and registered == []
    (line,) = caplog.messages
    assert f"interface {newer.major}.{newer.minor}, and the one that runs here" in line
    assert f"has {RUNNING.major}.{RUNNING.minor}: install hmlm again" in line
    assert "XLA computes instead" in line


@pytest.mark.parametrize("minor", range(RUNNING.minor + 1))
def test_headers_as_old_or_older_serve(minor, registered, monkeypatch, caplog):
    found = loaded(monkeypatch, RUNNING._replace(minor=minor))
    assert found.library is not None and found.missing is None
    assert len(registered) == len(set(registered)) == 2 * len(library.KERNELS)
    assert not caplog.messages


@pytest.mark.skipif(not library.available(), reason="the native kernels were not compiled")
def test_the_library_knows_its_version():
    compiled = Interface(*divmod(library._load().library.hmlm_interface(), 1000))
    assert compiled.major == RUNNING.major and 1 <= compiled.minor <= RUNNING.minor


def test_the_version_is_read_from_the_headers(tmp_path):
    header = tmp_path / "xla/ffi/api/c_api.h"
    header.parent.mkdir(parents=True)
    header.write_text("// 1\n#define XLA_FFI_API_MAJOR 2\n#define X 3\n#define XLA_FFI_API_MINOR 14\n")
    assert interface_of(tmp_path) == (2, 14)
