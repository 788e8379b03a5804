# make demo   plan a real liver case and write the plan to demo-output/
# make test   all tests
# Both set up everything on a fresh machine that has Python 3.11 or newer and make.

PYTHON ?= python3
PYTHON_OLDEST ?= python3.11
VENV   ?= .venv
BIN    := $(VENV)/bin
# What test-oldest runs; CI leaves out the pages of docs and the cohorts, which say little about versions.
OLDEST ?= tests
RUN    := $(BIN)/hdrplan

.DEFAULT_GOAL := help
.PHONY: help demo images test examples test-fast test-oldest test-kernels lint types imports check bench speed mutants docs clean

help:
	@echo "make demo       plan the liver phantom, write the plan to demo-output/, then open demo-output/report.html"
	@echo "make test       all tests                     make test-fast   without the slow and the browser ones"
	@echo "make test-oldest  the same with the oldest dependencies allowed (Python 3.11)"
	@echo "make examples   the examples of the help that take minutes"
	@echo "make images     the pictures of README and of live planning, made anew"
	@echo "make test-kernels the kernels as plain Python, and compiled with every index checked"
	@echo "make check      lint, types, imports, tests   make bench       time all that is timed, write docs/measurements"
	@echo "make speed      time what hdrplan does most, beside the figures of the last make bench"
	@echo "make mutants    put small faults into the code and see whether the tests notice, write docs/measurements/mutants.md"
	@echo "make docs       build the documentation       make clean       remove what make made"

# The stamps are rebuilt when the dependencies change. constraints.txt is the lock file: the versions tested together.
$(VENV)/.run: pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "hdrplan needs Python 3.11 or newer; say which with make PYTHON=...")'
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e .
	@touch $@

$(VENV)/.dev: $(VENV)/.run
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[test,lint,docs]'
	@touch $@

demo: $(VENV)/.run
	$(RUN) plan phantoms/liver-lesion-b -o demo-output --overwrite

# The picture of README and of the first page of docs.
images: demo
	$(RUN) plot phantoms/liver-lesion-b --plan demo-output --what overview -o docs/images/demo.png --dpi 110 --overwrite
	rm -f docs/images/demo.png.run.json
	PYTHONPATH=. $(BIN)/python tools/make_live_images.py

# Many tests start commands: without bytecode each of them compiles 435 modules again, 0.8 of 2.0 CPU s of its imports.
test: $(VENV)/.dev
	PYTHONDONTWRITEBYTECODE= $(BIN)/python -m pytest -n auto --durations 40

# The examples of the help that take minutes; the others are in make test.
examples: $(VENV)/.dev
	HDRPLAN_LONG=1 $(BIN)/python -m pytest -n 0 tests/cli/test_help_examples.py -k long_example

test-fast: $(VENV)/.dev
	PYTHONDONTWRITEBYTECODE= $(BIN)/python -m pytest -n auto -m 'not slow and not browser'

# The oldest versions that pyproject.toml allows (tools/make_oldest.py); newer Pythons have no wheels of some of them.
.venv-oldest/.dev: pyproject.toml constraints-oldest.txt
	test -x .venv-oldest/bin/python || $(PYTHON_OLDEST) -m venv .venv-oldest
	.venv-oldest/bin/python -m pip install --quiet --disable-pip-version-check -c constraints-oldest.txt -e '.[test]'
	@touch $@

# Kernels apart: either environment would compile those of the other again.
test-oldest: .venv-oldest/.dev
	PYTHONDONTWRITEBYTECODE= NUMBA_CACHE_DIR=$(CURDIR)/.venv-oldest/kernels .venv-oldest/bin/python -m pytest -n auto -m 'not slow and not browser' $(OLDEST)

test-kernels: $(VENV)/.dev
	NUMBA_DISABLE_JIT=1 $(BIN)/python -m pytest -m 'not slow' tests/kernels
	NUMBA_BOUNDSCHECK=1 $(BIN)/python -m pytest -m 'not slow' tests/kernels

lint: $(VENV)/.dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: $(VENV)/.dev
	$(BIN)/mypy

imports: $(VENV)/.dev
	$(BIN)/lint-imports

check: lint types imports test

bench: $(VENV)/.dev
	$(BIN)/python -m benchmarks
	$(BIN)/python -m benchmarks.speed --write

# The same table beside the figures that were kept; it says what became slower and fails by nothing.
speed: $(VENV)/.dev
	$(BIN)/python -m benchmarks.speed

# An hour or two; stopped at any time, it goes on where it was.
mutants: $(VENV)/.dev
	$(BIN)/python -m benchmarks.mutation

docs: $(VENV)/.dev
	NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --strict --quiet

clean:
	rm -rf $(VENV) .venv-oldest demo-output site build dist .mypy_cache .ruff_cache .pytest_cache
