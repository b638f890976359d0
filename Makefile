# Everything sets itself up: a virtual environment in .venv, made from pyproject.toml.
PYTHON ?= python3
BIN := .venv/bin
# CPU cores for the tests; set JOBS=1 to run them one by one.
JOBS ?= 2

.PHONY: demo check test test-long bench clean

.venv/.installed: pyproject.toml
	$(PYTHON) -m venv .venv
	$(BIN)/pip install --quiet --disable-pip-version-check --editable '.[dev]'
	touch $@

# A search on a toy task with the simulated executor, tested on its sealed set, reported.
demo: .venv/.installed
	$(BIN)/python examples/demo.py

check: .venv/.installed
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

test: .venv/.installed
	$(BIN)/pytest -n $(JOBS)

test-long: .venv/.installed
	$(BIN)/pytest -m long

bench: .venv/.installed
	$(BIN)/python -m benchmarks

clean:
	rm -rf .venv
