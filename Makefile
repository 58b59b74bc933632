# The front door: `make demo`, `make test`, `make bench`, `make lint`. Everything is set up on the first run.
SHELL := /bin/bash
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STAMPS := .cache
CARGO := $(BIN)/python scripts/rust.py cargo
NPM := $(BIN)/python scripts/node.py npm --prefix web
NATIVE_SOURCES := $(shell find native -path native/target -prune -o -path native/fuzz -prune -o -type f \( -name '*.rs' -o -name '*.toml' -o -name '*.lock' -o -name '*.pyi' \) -print 2>/dev/null)

WEB_SOURCES := $(shell find web -path web/node_modules -prune -o -type f -print 2>/dev/null) docs/openapi.json

.PHONY: help setup demo test bench lint format docs guide fuzz clean
help:  ## what can be made
	@grep -hE '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed -E 's/^([a-z]+):.*## /  make \1\t/' | expand -t 18

$(STAMPS)/venv: requirements-dev.lock scripts/check_host.py
	@mkdir -p $(STAMPS)
	@$(PYTHON) scripts/check_host.py
	@echo "== installing locked Python packages"
	$(PYTHON) -m venv $(VENV)
	$(BIN)/pip install --quiet --disable-pip-version-check --require-hashes -r requirements-dev.lock
	@touch $@

$(STAMPS)/native: $(STAMPS)/venv $(NATIVE_SOURCES) scripts/build_native.py scripts/rust.py
	@echo "== building the native media engine"
	$(BIN)/python scripts/build_native.py
	@touch $@

$(STAMPS)/package: $(STAMPS)/venv pyproject.toml
	@$(BIN)/pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
	@touch $@

$(STAMPS)/node_modules: $(STAMPS)/venv web/package.json web/package-lock.json scripts/node.py
	@echo "== installing locked packages of the pages"
	$(NPM) ci --no-audit --no-fund --loglevel=error
	@touch $@

$(STAMPS)/web: $(STAMPS)/node_modules $(WEB_SOURCES)
	@echo "== building the pages"
	@$(NPM) run --silent types
	@$(NPM) run --silent build -- --logLevel warn
	@touch $@

setup: $(STAMPS)/venv $(STAMPS)/native $(STAMPS)/package $(STAMPS)/web  ## venv, locked dependencies, native engine, pages

demo: setup  ## dial a sample list through a simulated carrier (ARGS=--exit-when-done ends by itself)
	@$(BIN)/dialer demo $(ARGS)

test: setup  ## lint contracts and run all tests, three processes at once (ARGS are passed to pytest)
	@$(BIN)/lint-imports || exit 1
	@$(CARGO) test --quiet --manifest-path native/Cargo.toml
	@$(NPM) run --silent test
	@$(BIN)/python scripts/run_tests.py $(ARGS)

bench: setup  ## the table of budgets with today's numbers
	@$(BIN)/python -m bench $(ARGS)

lint: setup  ## ruff, mypy, import contracts, rustfmt, clippy, eslint, vue-tsc
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(CARGO) fmt --check --manifest-path native/Cargo.toml
	$(CARGO) clippy --quiet --manifest-path native/Cargo.toml --all-targets -- -D warnings
	$(CARGO) clippy --quiet --manifest-path native/Cargo.toml --all-features -- -D warnings
	$(BIN)/python scripts/make_docs.py --check
	$(NPM) run --silent lint

format: setup  ## let ruff and rustfmt write
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .
	$(CARGO) fmt --manifest-path native/Cargo.toml

docs: setup  ## regenerate what is generated in docs/ (state diagrams, events, OpenAPI)
	@$(BIN)/python scripts/make_docs.py

guide: setup  ## take the pictures of the guides in docs/guide, of the demo as it runs (needs chromium)
	@$(BIN)/python scripts/make_guide.py

fuzz: setup  ## run every fuzz target of the native parsers (SECONDS=300 each; needs a nightly toolchain and cargo-fuzz)
	@SECONDS_EACH=$${SECONDS_EACH:-300} scripts/fuzz.sh

clean:  ## remove what was built
	rm -rf $(STAMPS) $(VENV) native/target web/node_modules dialer/api/pages .mypy_cache .ruff_cache .pytest_cache .import_linter_cache
