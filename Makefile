# SPDX-License-Identifier: MIT
# `make demo` and `make test` need nothing but Python, make and a package registry.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin

# What the tests of the explorer and of `graph --svg` look with, where root on Debian can install it.
SEEING := chromium chromium-driver graphviz

.PHONY: demo test clean

$(VENV)/installed: pyproject.toml
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --upgrade pip
	$(BIN)/python -m pip install --quiet --editable . --group dev
	touch $@

demo: $(VENV)/installed
	$(BIN)/cowpath check litmus/founding/*.litmus --kernel 5.7 --kernel 5.10 --kernel 5.17 \
	    --kernel 5.18 --kernel 5.19 --kernel 6.1 --expected

$(VENV)/seeing: $(VENV)/installed
	@if [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null && \
	    ! { command -v chromium && command -v chromedriver && command -v dot; } >/dev/null; then \
	    apt-get update -qq; DEBIAN_FRONTEND=noninteractive apt-get install -qq --no-install-recommends $(SEEING) \
	        >/dev/null || echo "apt cannot install $(SEEING): tests that need them will say so" >&2; \
	fi
	@touch $@

test: $(VENV)/installed $(VENV)/seeing
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/pytest

clean:
	rm -rf $(VENV)
