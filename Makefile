# SPDX-License-Identifier: MIT
# `make demo` and `make test` need nothing but Python, make and a package registry.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin

# What tests need beyond Python: a browser to look at the explorer with, an emulator to boot a kernel in, and
# model checkers for a second opinion.
TEST_TOOLS := chromium chromium-driver graphviz qemu-system-x86 spin rumur gcc
# Every architecture, for `make kernels`.
EMULATORS := qemu-system-x86 qemu-system-arm qemu-system-misc qemu-system-ppc

REAL_KERNELS := uml:5.10 uml:6.1 qemu:6.1 qemu:6.1:arm64 qemu:6.1:s390x qemu:6.1:ppc64el qemu:6.1:armhf \
    uml:6.12 uml:7.2 qemu:5.10 qemu:6.12 qemu:7.2

.PHONY: demo test bench kernels tools emulators clean

$(VENV)/installed: pyproject.toml
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --upgrade pip
	$(BIN)/python -m pip install --quiet --editable ".[native]" --group dev
	touch $@

demo: $(VENV)/installed
	$(BIN)/cowpath check litmus/founding/*.litmus --kernel 5.7 --kernel 5.10 --kernel 5.17 \
	    --kernel 5.18 --kernel 5.19 --kernel 6.1 --expected

# Where root may, what is missing gets installed; elsewhere the tests say what is missing.
define install
	@for package in $(1); do \
	    dpkg-query -W $$package >/dev/null 2>&1 && continue; \
	    if [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null; then \
	        apt-get -qq update && DEBIAN_FRONTEND=noninteractive \
	            apt-get -qq install -y --no-install-recommends $(1) >/dev/null; \
	    else echo "not installed: $$package"; fi; break; \
	done
endef

tools:
	$(call install,$(TEST_TOOLS))

emulators:
	$(call install,$(EMULATORS))

test: $(VENV)/installed tools
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/pytest

# cowpath, Spin and rumur side by side on the same exported models; what the reductions save.
bench: $(VENV)/installed tools
	$(BIN)/python benchmarks/engines.py
	$(BIN)/python benchmarks/reductions.py

# Every test on every kernel and architecture, 100 rounds each: see docs/real-kernels.md.
kernels: $(VENV)/installed emulators
	nice $(BIN)/cowpath run litmus/founding/*.litmus --jobs 2 --rounds 100 --format markdown \
	    $(REAL_KERNELS:%=--on %)

clean:
	rm -rf $(VENV)
