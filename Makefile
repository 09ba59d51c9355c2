# Everything a contributor needs. The environment is made by itself, in .venv, with venv and pip alone.

PYTHONS = python3.13 python3.12 python3.11 python3.14 python3 python
VENV := .venv
PY := $(VENV)/bin/python

# Give PYTHON=… to choose; otherwise the first of PYTHONS that is new enough is taken.
PYTHON ?=

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.PHONY: help setup demo test lint format types pytest corpus mutants fuzz-inspector chaos chaos-payloads bench bench-payloads bench-typing hostile golden rules-docs examples docs wheel clean distclean

help: ## this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-16s %s\n", $$1, $$2 }' Makefile

setup: $(VENV)/.dev ## make .venv with everything for development

demo: $(VENV)/.demo ## audit licenses, kill the worker in the middle, go on
	@$(PY) examples/license_audit/demo.py

test: lint types pytest ## all that must pass: style, types, tests

lint: $(VENV)/.dev ## ruff: rules and format
	$(PY) -m ruff check .
	$(PY) -m ruff format --check .

format: $(VENV)/.dev ## ruff: mend what can be mended
	$(PY) -m ruff check --fix .
	$(PY) -m ruff format .

types: $(VENV)/.dev ## mypy --strict and pyright
	$(PY) -m mypy
	$(PY) -m pyright

pytest: $(VENV)/.dev ## the tests; ARGS="tests/unit -k name" for some of them
	$(PY) -m pytest -m "not slow" $(ARGS)

corpus: $(VENV)/.dev ## what the inspector finds in the labelled corpus, as a table
	$(PY) tests/corpus/report.py $(ARGS)

mutants: $(VENV)/.dev ## every small mistake in the examples and the corpus, each found at its place
	$(PY) -m pytest -m slow tests/corpus $(ARGS)

fuzz-inspector: $(VENV)/.dev ## 20,000 hostile inputs through the inspector; ARGS="500" for some of them
	$(PY) tests/fuzz/fuzz_inspector.py $(ARGS)

chaos: $(VENV)/.dev ## deaths at every store call, many murders: ten minutes long
	$(PY) -m pytest -m slow $(ARGS)

chaos-payloads: $(VENV)/.dev ## 300 deaths around puts and commits, 110,000 orders of events for collection: some minutes
	$(PY) -m pytest -m slow tests/chaos/test_death_around_payloads.py $(ARGS)
	PYFLOW_TEST_SCHEDULES=110000 $(PY) -m pytest tests/simulation $(ARGS)

bench-payloads: $(VENV)/.dev ## what payloads do to rows, replay, memory, steps and status; what their stores cost
	$(PY) tests/benchmarks/bench_payload_runs.py
	$(PY) tests/benchmarks/bench_payloads.py $(ARGS)

bench: $(VENV)/.bench ## the same work on pyflow and on a peer, in turn
	$(PY) tests/benchmarks/bench.py $(ARGS)

bench-inspector: $(VENV)/.dev ## how long pyflow check and generate take on 200 workflow files
	$(PY) tests/benchmarks/bench_inspector.py $(ARGS)

bench-typing: $(VENV)/.dev ## what type checkers take for generated packages of 5, 100 and 500 RPCs
	$(PY) tests/benchmarks/bench_typing.py $(ARGS)

hostile: $(VENV)/.dev ## ten thousand hostile names through the generator
	$(PY) -m pytest -m slow -s tests/cli/test_codegen_many_hostile_names.py

golden: $(VENV)/.dev ## write the expected files of tests/golden anew
	$(PY) tests/golden/update.py

rules-docs: $(VENV)/.dev ## write the pages of the rules anew
	$(PY) website/rule_pages.py

examples: $(VENV)/.dev ## write the generated packages of the examples anew
	@set -e; for folder in examples/*/; do $(PY) -m pyflow_cli.main generate --project "$$folder"; done

docs: $(VENV)/.docs ## the website, into website/site
	NO_MKDOCS_2_WARNING=1 $(PY) -m mkdocs build --strict --config-file website/mkdocs.yml

wheel: $(VENV)/.dev ## the wheel, into dist
	$(PY) -m build --wheel --no-isolation

clean: ## what tools have left behind
	rm -rf build dist website/site .mypy_cache .ruff_cache .pytest_cache .hypothesis license_audit_report
	find . -name __pycache__ -not -path './$(VENV)/*' -prune -exec rm -rf {} +
	find examples -name .pyflow -prune -exec rm -rf {} +

distclean: clean ## and .venv
	rm -rf $(VENV)

# --- the environment: a stamp for each set of packages, so that only a change of pyproject.toml installs anew

PIP = $(PY) -m pip --disable-pip-version-check --quiet

$(VENV)/.demo: $(VENV)/.made pyproject.toml
	@echo "installing pyflow into $(VENV)"
	@$(PIP) install --editable .
	@touch $@

$(VENV)/.dev: $(VENV)/.made pyproject.toml
	@echo "installing pyflow and its development tools into $(VENV)"
	@$(PIP) install --editable '.[dev]'
	@touch $(VENV)/.demo $@

$(VENV)/.bench: $(VENV)/.dev
	@$(PIP) install --editable '.[bench]'
	@touch $@

$(VENV)/.docs: $(VENV)/.dev
	@$(PIP) install --editable '.[docs]'
	@touch $@

# An environment that is there already, and whose Python is new enough, is kept.
$(VENV)/.made:
	@if [ -x $(PY) ] && $(PY) -c 'import sys, pip; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then \
	  touch $@; exit 0; \
	fi; \
	python=; \
	for candidate in $(if $(PYTHON),"$(PYTHON)",$(PYTHONS)); do \
	  if "$$candidate" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; \
	  then python="$$candidate"; break; fi; \
	done; \
	if [ -z "$$python" ]; then \
	  echo "pyflow needs Python 3.11 or later, and found none among: $(or $(PYTHON),$(PYTHONS))" >&2; \
	  echo "install one, or name it: make PYTHON=/path/to/python3.12" >&2; exit 1; \
	fi; \
	if ! "$$python" -c 'import ensurepip, venv' 2>/dev/null; then \
	  echo "$$python lacks the modules venv and ensurepip: on Debian and Ubuntu they are in the package python3-venv" >&2; \
	  exit 1; \
	fi; \
	echo "making $(VENV) with $$("$$python" -c 'import sys; print(sys.executable, sys.version.split()[0])')"; \
	"$$python" -m venv --clear $(VENV) && touch $@
