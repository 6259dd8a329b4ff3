# `make` or `make help` lists the targets. The first one you run creates .venv with the locked versions.
SHELL := /bin/sh
BIN := .venv/bin
PORT ?= 8866
JOBS ?= 2

# Only what .venv holds counts: a user's own kernels and modules must not be picked up instead. Python keeps what it
# compiled: without that each process that a test starts takes half a second more.
unexport JUPYTER_PATH PYTHONPATH PYTHONHOME VIRTUAL_ENV PYTHONDONTWRITEBYTECODE
export JUPYTER_PREFER_ENV_PATH := 1
export PYTHON

.DEFAULT_GOAL := help
.PHONY: help install install-dev dashboard lab test lint bench bench-ui bench-load screenshots docs lock clean

help: ## list the targets
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## /\1\t/' | while IFS="$$(printf '\t')" read -r name text; do printf '  make %-12s %s\n' "$$name" "$$text"; done

install: ## create .venv with the locked versions (with uv where it is there, else venv and pip)
	@tools/bootstrap.sh main

install-dev: ## the same, with what tests and benchmarks need
	@tools/bootstrap.sh dev

dashboard: install ## serve the executive dashboard on http://localhost:8866 (PORT=...)
	@$(BIN)/llmplan dashboard --port $(PORT)

lab: install ## open JupyterLab on the notebooks
	@$(BIN)/llmplan lab

# Tests run side by side already: more threads in each only wait for a core.
test: install-dev ## install what is missing and run all tests
	@tools/system-needs.sh
	@export OPENBLAS_NUM_THREADS=1; status=0; \
	$(BIN)/python -m pytest -n $(JOBS) -m "not browser and not server" || status=$$?; \
	$(BIN)/python -m pytest -m "browser or server" || status=$$?; \
	exit $$status

lint: install-dev ## style, format and types
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy

bench: install-dev ## time the math (benchmarks/)
	@set -e; for script in $(filter-out %/ui.py %/load.py %/__init__.py,$(wildcard benchmarks/*.py)); do \
		echo "== $$script"; $(BIN)/python -m "benchmarks.$$(basename "$$script" .py)"; done

bench-ui: install-dev ## time the dashboard in a real browser (benchmarks/ui.py)
	@tools/system-needs.sh
	@$(BIN)/python -m benchmarks.ui

bench-load: install-dev ## 500 readers at once over loopback (benchmarks/load.py)
	@$(BIN)/python -m benchmarks.load

screenshots: install-dev ## take the pictures of the guide again (docs/images)
	@tools/system-needs.sh
	@$(BIN)/python -m tools.screenshots

COMPILE := uv pip compile pyproject.toml --quiet --universal --python-version 3.11 --generate-hashes \
	--no-emit-index-url --no-emit-find-links --custom-compile-command "make lock" --group build

docs: install-dev ## make the pages that come from the project itself anew (docs/, README's output)
	@$(BIN)/python -m tools.documents
	@$(BIN)/python -m tools.readme_blocks

lock: ## write requirements/*.lock anew from pyproject.toml (needs uv; UPGRADE=1 takes the newest versions)
	@$(COMPILE) $(if $(UPGRADE),--upgrade) --output-file requirements/main.lock
	@$(COMPILE) $(if $(UPGRADE),--upgrade) --group dev --constraint requirements/main.lock --output-file requirements/dev.lock

clean: ## remove .venv, caches and build output
	rm -rf .venv build dist out .pytest_cache .mypy_cache .ruff_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
