# SPDX-License-Identifier: MIT
# `make demo` and `make test` need nothing but Python, make and a package registry.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin

.PHONY: demo test clean

$(VENV)/installed: pyproject.toml
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --upgrade pip
	$(BIN)/python -m pip install --quiet --editable . --group dev
	touch $@

demo: $(VENV)/installed
	$(BIN)/cowpath check litmus/founding/*.litmus --kernel 5.7 --kernel 5.10 --kernel 5.17 \
	    --kernel 5.18 --kernel 5.19 --kernel 6.1 --expected

test: $(VENV)/installed
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/pytest

clean:
	rm -rf $(VENV)
