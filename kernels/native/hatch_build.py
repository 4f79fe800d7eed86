"""Hatch's hook: compile the native kernels into the wheel or the editable tree; without a compiler say so and go on."""

from __future__ import annotations

import importlib.util
import sys
import sysconfig
from pathlib import Path
from types import ModuleType
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

HERE = Path(__file__).resolve().parent


class NativeKernels(BuildHookInterface):
    """Adds the library, and the platform's tag: one wheel serves every Python 3."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Compile before files are collected."""
        if self.target_name != "wheel":
            return
        build = load_build()
        try:
            library = build.compile_library(build.include_dir())
        except (build.CompilerError, OSError) as error:
            self.app.display_warning(f"hmlm: native kernels not compiled, XLA will be used: {error}")
            return
        build_data["pure_python"] = False
        build_data["tag"] = f"py3-none-{sysconfig.get_platform().replace('-', '_').replace('.', '_')}"
        if version == "standard":
            build_data["force_include"][str(library)] = f"hmlm/kernels/native/{library.name}"


def load_build() -> ModuleType:
    """The module next to this one, without importing the package."""
    spec = importlib.util.spec_from_file_location("hmlm_native_build", HERE / "build.py")
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module
