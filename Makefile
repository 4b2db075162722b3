# `make fit` trains SimCLR on handwritten digits with every monitor on; `make test` runs the tests, and
# `make test-all` every promise for every method in full. All set up .venv first and install
# nothing twice.
PYTHON ?= python3
BIN := .venv/bin

.PHONY: fit test test-all lint clean
.DEFAULT_GOAL := fit

fit: .venv/.installed
	$(BIN)/csl fit

test: .venv/.installed-dev
	OMP_NUM_THREADS=1 $(BIN)/pytest -n 2

test-all: .venv/.installed-dev
	OMP_NUM_THREADS=1 $(BIN)/pytest -n 2 -m ''

lint: .venv/.installed-dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

.venv/.installed: pyproject.toml csl/version.py
	test -x $(BIN)/python || $(PYTHON) -m venv .venv
	$(BIN)/pip install --disable-pip-version-check --quiet --editable .
	touch $@

.venv/.installed-dev: .venv/.installed
	$(BIN)/pip install --disable-pip-version-check --quiet --editable '.[dev,timm]'
	touch $@

clean:
	rm -rf .venv build csl.egg-info
