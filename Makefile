# Everything needs only python3, pip and git; the environment is made on first use.
PYTHON ?= python3
VENV ?= .venv
PYTEST_ARGS ?=

BIN := $(VENV)/bin
PIP_INSTALL := $(BIN)/python -m pip install --quiet --disable-pip-version-check

.PHONY: demo test test-statistics test-gpu-compile nightly lint clean

demo: $(VENV)/.installed-test
	$(BIN)/hmlm demo

test: $(VENV)/.installed-test
	$(BIN)/python -m pytest -n 2 -m "not nightly and not statistics and not gpu_compile" $(PYTEST_ARGS)

test-statistics: $(VENV)/.installed-test
	$(BIN)/python -m pytest -n 2 -m statistics $(PYTEST_ARGS)

# A GPU's compiler, in a folder of its own: JAX complains at each start where it finds it without a GPU.
GPU_COMPILER := $(abspath $(VENV))/gpu-compiler

test-gpu-compile: $(VENV)/.installed-gpu-compile
	JAX_PLATFORMS=cpu JAX_ENABLE_COMPILATION_CACHE=false PYTHONPATH=$(GPU_COMPILER) \
	$(BIN)/python -m pytest -m gpu_compile tests/gpu $(PYTEST_ARGS)

nightly: $(VENV)/.installed-test
	$(BIN)/python -m pytest -n 2 -m nightly $(PYTEST_ARGS)

lint: $(VENV)/.installed-dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

clean:
	rm -rf $(VENV) build dist .pytest_cache .ruff_cache .hypothesis kernels/native/*.shared

$(VENV)/.installed-gpu-compile: $(VENV)/.installed-test
	rm -rf $(GPU_COMPILER)
	$(PIP_INSTALL) --no-deps --target $(GPU_COMPILER) $$($(BIN)/python -m tests.gpu.wheels)
	touch $@

NATIVE := $(wildcard kernels/native/*.py kernels/native/source/*)

$(VENV)/.installed-%: pyproject.toml $(NATIVE)
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(PIP_INSTALL) --editable ".[$*]"
	touch $@
