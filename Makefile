# Everything sets itself up: a virtual environment in .venv, made from pyproject.toml.
PYTHON ?= python3
BIN := .venv/bin
PIP := $(BIN)/pip install --quiet --disable-pip-version-check
# CPU cores for the tests; set JOBS=1 to run them one by one.
JOBS ?= 2

.PHONY: setup-train demo demo-search check docs test test-long bench clean

# What using it needs.
.venv/.core: pyproject.toml
	$(PYTHON) -m venv .venv
	$(PIP) --editable .
	touch $@

# What working on it needs.
.venv/.dev: .venv/.core
	$(PIP) --editable '.[dev]'
	touch $@

# What training needs (torch: the build for the processor is 200 MB, those for GPUs take gigabytes).
.venv/.train: .venv/.dev
	$(PIP) --editable '.[train]'
	touch $@

# What the documentation's pages are made with.
.venv/.docs: .venv/.dev
	$(PIP) --editable '.[docs]'
	touch $@

setup-train: .venv/.train

# The circle: collect, learn, search on tasks never seen, test. Offline; installs torch.
demo: .venv/.train
	$(BIN)/python examples/demo.py

# A search on a toy task, tested on its sealed set, reported. Offline, without torch.
demo-search: .venv/.core
	$(BIN)/python examples/demo_search.py

check: .venv/.dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

# The pages, in site/; a warning is an error.
docs: .venv/.docs
	$(BIN)/zensical build --strict --clean

test: .venv/.dev
	$(BIN)/pytest -n $(JOBS)

test-long: .venv/.dev
	$(BIN)/pytest -m long

bench: .venv/.dev
	$(BIN)/python -m benchmarks

clean:
	rm -rf .venv site
