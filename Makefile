# SPDX-License-Identifier: MIT
# `make demo` and `make test` need nothing but Python, make and a package registry.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin

.PHONY: demo test bench tools clean

$(VENV)/installed: pyproject.toml
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --upgrade pip
	$(BIN)/python -m pip install --quiet --editable ".[native]" --group dev
	touch $@

demo: $(VENV)/installed
	$(BIN)/cowpath check litmus/founding/*.litmus --kernel 5.7 --kernel 5.10 --kernel 5.17 \
	    --kernel 5.18 --kernel 5.19 --kernel 6.1 --expected

# Spin and rumur check exported models; where they cannot be installed, tests say so and skip.
tools:
	@for tool in spin rumur gcc; do command -v $$tool >/dev/null || missing="$$missing $$tool"; done; \
	if [ -n "$$missing" ] && [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null; then \
	    apt-get update -qq && apt-get install -y -qq --no-install-recommends $$missing; \
	elif [ -n "$$missing" ]; then echo "not installed:$$missing (tests of exported models are skipped)"; fi

bench: $(VENV)/installed tools
	$(BIN)/python benchmarks/engines.py

test: $(VENV)/installed tools
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/pytest

clean:
	rm -rf $(VENV)
