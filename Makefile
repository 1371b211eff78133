# Needs Python >= 3.11 with venv, and make. Everything else goes into .venv.
PYTHON ?= python3
BIN := .venv/bin
PIP := $(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt

.PHONY: demo test check format docs bench clean

demo: .venv/.demo
	$(BIN)/pcode demo -o demo-out

test: .venv/.dev
	$(BIN)/python -m pytest -n auto --dist loadfile

check: .venv/.dev
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports

format: .venv/.dev
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

docs: .venv/.dev
	$(BIN)/python docs/generate.py

bench: .venv/.dev
	@echo "each benchmark says its own command and numbers: benchmarks/README.md"
	$(BIN)/python benchmarks/cues_throughput.py
	$(BIN)/python benchmarks/annotate_concurrency.py

clean:
	rm -rf .venv demo-out bench-out dist build

.venv/bin/python:
	$(PYTHON) -c 'import sys; sys.exit(0 if sys.version_info >= (3, 11) else "pedagogy_r1 needs Python 3.11 or newer; try: make PYTHON=python3.12 ...")'
	$(PYTHON) -m venv .venv

.venv/.demo: pyproject.toml constraints.txt | .venv/bin/python
	$(PIP) -e .
	@touch $@

.venv/.dev: pyproject.toml constraints.txt | .venv/bin/python
	$(PIP) -e '.[dev]'
	@touch $@ .venv/.demo
