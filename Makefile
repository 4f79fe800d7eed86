# Everything needs only python3, pip and git; the environment is made on first use.
PYTHON ?= python3
VENV ?= .venv
PYTEST_ARGS ?=

BIN := $(VENV)/bin
PIP_INSTALL := $(BIN)/python -m pip install --quiet --disable-pip-version-check

.PHONY: demo test test-statistics nightly lint clean

demo: $(VENV)/.installed-test
	$(BIN)/hmlm demo

test: $(VENV)/.installed-test
	$(BIN)/python -m pytest -n 2 -m "not nightly and not statistics" $(PYTEST_ARGS)

test-statistics: $(VENV)/.installed-test
	$(BIN)/python -m pytest -n 2 -m statistics $(PYTEST_ARGS)

nightly: $(VENV)/.installed-test
	$(BIN)/python -m pytest -n 2 -m nightly $(PYTEST_ARGS)

lint: $(VENV)/.installed-dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

clean:
	rm -rf $(VENV) build dist .pytest_cache .ruff_cache .hypothesis

$(VENV)/.installed-%: pyproject.toml
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(PIP_INSTALL) --editable ".[$*]"
	touch $@
