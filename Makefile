# `make fit` trains SimCLR on handwritten digits with every monitor on; `make test` runs the tests, and
# `make test-all` every promise for every method in full; `make test-gpu` those that mean anything on a GPU, and
# `make test-oldest` all of them in .venv-oldest, beside the oldest versions of what csl needs. All set up their
# environment first and install nothing twice. `make dist` builds the wheel, `make test-dist` tries it in a bare
# environment; `make docs` writes the documentation to site/index.html. `make reference` makes the two runs again that
# lie in lightning_logs/reference.
PYTHON ?= python3
BIN := .venv/bin

.PHONY: fit reference test test-all test-gpu test-oldest lint dist test-dist docs clean
.DEFAULT_GOAL := fit

fit: .venv/.installed
	$(BIN)/csl fit

reference: .venv/.installed
	rm -rf lightning_logs/reference
	$(BIN)/csl fit --config digits/reference
	$(BIN)/csl fit --config digits/reference --model Supervised --trainer.logger.name supervised
	$(BIN)/csl sweep lightning_logs/reference/simclr/version_0 lightning_logs/reference/supervised/version_0

test: .venv/.installed-dev
	OMP_NUM_THREADS=1 $(BIN)/pytest -n 2

test-all: .venv/.installed-dev
	OMP_NUM_THREADS=1 $(BIN)/pytest -n 2 -m ''

test-gpu: .venv/.installed-dev
	$(BIN)/pytest tests/devices -m '' -k cuda

test-oldest: .venv-oldest/.installed-dev
	OMP_NUM_THREADS=1 .venv-oldest/bin/pytest -n 2

lint: .venv/.installed-dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

dist: .venv/.installed
	rm -rf build dist
	$(BIN)/pip wheel --disable-pip-version-check --quiet --no-deps --wheel-dir dist .

test-dist: dist
	PYTHON=$(PYTHON) .ci/try_wheel dist/csl-*.whl

docs: .venv/.installed-docs
	$(BIN)/python -m mkdocs build --strict

.venv/.installed: pyproject.toml csl/version.py
	test -x $(BIN)/python || $(PYTHON) -m venv .venv
	$(BIN)/pip install --disable-pip-version-check --quiet --editable .
	touch $@

.venv/.installed-dev: .venv/.installed
	$(BIN)/pip install --disable-pip-version-check --quiet --editable '.[dev,timm]'
	touch $@

.venv/.installed-docs: .venv/.installed
	$(BIN)/pip install --disable-pip-version-check --quiet --editable '.[docs]'
	touch $@

# pip has no option for the lowest versions that the ranges allow; uv has.
.venv-oldest/.installed-dev: pyproject.toml
	test -x .venv-oldest/bin/python || $(PYTHON) -m venv .venv-oldest
	.venv-oldest/bin/pip install --disable-pip-version-check --quiet 'uv>=0.9'
	.venv-oldest/bin/uv pip install --quiet --python .venv-oldest/bin/python --resolution lowest-direct \
	  --editable '.[dev,timm]'
	touch $@

clean:
	rm -rf .venv .venv-oldest build dist site csl.egg-info
