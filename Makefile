# SPDX-License-Identifier: MIT
# `make demo` and `make test` need nothing but Python, make and a package registry.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
# Tests that share something (a kernel, the swap devices, a browser) are in one group and so in one process.
PYTEST = $(BIN)/pytest -n auto --dist loadgroup
PYTHONS := python3.11 python3.12 python3.13 python3.14

# What tests need beyond Python: a browser to look at the explorer with, an emulator to boot a kernel in, model
# checkers for a second opinion, and the readers of what is written for an editor, `man` and a shell.
TEST_TOOLS := chromium chromium-driver graphviz qemu-system-x86 spin rumur gcc vim groff-base zsh tcsh
# Every architecture, for `make kernels`.
EMULATORS := qemu-system-x86 qemu-system-arm qemu-system-misc qemu-system-ppc

REAL_KERNELS := uml:5.10 uml:6.1 qemu:6.1 qemu:6.1:arm64 qemu:6.1:s390x qemu:6.1:ppc64el qemu:6.1:armhf \
    uml:6.12 uml:7.2 qemu:5.10 qemu:6.12 qemu:7.2

.PHONY: demo quick test alone lint format coverage site man notebook transcripts pythons plain fuzz wheel bench \
    kernels agree control tools emulators clean

$(VENV)/installed: pyproject.toml
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --upgrade pip
	$(BIN)/python -m pip install --quiet --editable . --group dev
	touch $@

demo: $(VENV)/installed
	$(BIN)/cowpath check litmus/founding/*.litmus --kernel 5.7 --kernel 5.10 --kernel 5.17 \
	    --kernel 5.18 --kernel 5.19 --kernel 6.1 --expected

# Where root may, what is missing gets installed; elsewhere the tests say what is missing.
define install
	@for package in $(1); do \
	    dpkg-query -W -f '$${db:Status-Status}' $$package 2>/dev/null | grep -qx installed && continue; \
	    if [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null; then \
	        apt-get -qq update && DEBIAN_FRONTEND=noninteractive \
	            apt-get -qq install -y --no-install-recommends $(1) >/dev/null; \
	    else echo "not installed: $$package"; fi; break; \
	done
endef

tools:
	$(call install,$(TEST_TOOLS))
	@if command -v npm >/dev/null; then $(MAKE) --silent node_modules/installed; \
	else echo "not installed: npm, for the linter of JavaScript"; fi

node_modules/installed: package-lock.json
	npm ci --silent --no-fund --no-audit
	touch $@

emulators:
	$(call install,$(EMULATORS))

lint: $(VENV)/installed
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	@if [ -x node_modules/.bin/biome ]; then node_modules/.bin/biome lint --error-on-warnings; \
	elif [ "$$CI" = true ] && command -v npm >/dev/null; then echo "biome: not installed, though npm is"; exit 1; \
	else echo "biome lint skipped: not installed (make tools, needs npm)"; fi

format: $(VENV)/installed
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

# The documentation, the corpus as a catalogue and the reference pages: build/site/index.html.
site: $(VENV)/installed
	$(BIN)/python -m website

# A manual page for each command: build/man/cowpath.1 and others.
man: $(VENV)/installed
	$(BIN)/python -m website.man

# The tutorial as a Jupyter notebook: build/tutorial.ipynb.
notebook: $(VENV)/installed
	$(BIN)/python -m website.notebook

# What commands print now goes into README and docs/.
transcripts: $(VENV)/installed
	$(BIN)/python -m tests.documents

# What the quick tests run of the source, line by line and branch by branch; takes twice as long as they do.
coverage: $(VENV)/installed
	$(PYTEST) -m "not slow" --cov

# Two minutes: before each commit.
quick: lint
	$(PYTEST) -m "not slow"

test: $(VENV)/installed tools lint
	$(PYTEST) -m "not slow"
	$(PYTEST) -m "slow and not alone"
	$(BIN)/pytest -m alone

# The part of `make test` that looks at, and changes, the whole machine (swap, settings, who is left): one test
# at a time, with nothing else running.
alone: $(VENV)/installed tools
	$(BIN)/pytest -m alone

# The quick tests on every Python that is there, as an installed package.
pythons:
	@for python in $(PYTHONS); do \
	    path=$$(command -v $$python) && $$path -c "" 2>/dev/null || \
	        path=$$(ls -d $${PYENV_ROOT:-$$HOME/.pyenv}/versions/$${python#python}.*/bin/$$python 2>/dev/null | tail -1); \
	    if [ -z "$$path" ]; then echo "$$python: not on this machine"; continue; fi; \
	    echo "$$python: $$path"; \
	    $(MAKE) --silent VENV=build/venv-$$python PYTHON=$$path build/venv-$$python/installed || exit 1; \
	    build/venv-$$python/bin/pytest -n auto --dist loadgroup -p no:cacheprovider -m "not slow" || exit 1; \
	done

# The quick tests where no C compiler is: everything but the native engine.
plain: $(VENV)/installed
	CC=none XDG_CACHE_HOME=$(CURDIR)/build/cache-plain $(PYTEST) -p no:cacheprovider -m "not slow"

# Hostile input, made by chance, for as long as you like: make fuzz SECONDS=3600
SECONDS ?= 60
fuzz: $(VENV)/installed
	$(BIN)/python -m tests.fuzz --seconds $(SECONDS)

wheel: $(VENV)/installed
	rm -rf dist
	$(BIN)/python -m build --no-isolation

# cowpath, Spin and rumur side by side on the same exported models; what the reductions save.
bench: $(VENV)/installed tools
	$(BIN)/python benchmarks/engines.py
	$(BIN)/python benchmarks/reductions.py

# Every test on every kernel and architecture, 100 rounds each: see docs/real-kernels.md.
kernels: $(VENV)/installed emulators
	nice $(BIN)/cowpath run litmus/founding/*.litmus --jobs 2 --rounds 100 --format markdown \
	    $(REAL_KERNELS:%=--on %)

# User-Mode Linux from Debian's source, whole and with one rule changed at a time, beside the model changed
# alike: docs/control.md.  The first build takes five minutes of a processor, each rule half a minute.
control: $(VENV)/installed
	$(call install,flex bison bc gcc make)
	nice $(BIN)/python benchmarks/control.py

# 500 random programs on each of two kernels, held against the model; goes on where it was interrupted if the
# seed that it prints is given: `make agree SEED=...`.  See docs/real-kernels.md.
agree: $(VENV)/installed tools
	nice $(BIN)/python benchmarks/agree.py $(SEED:%=--seed %)

clean:
	rm -rf $(VENV) build dist node_modules
