# `make help` lists what can be asked for.

SHELL := /bin/bash
.SHELLFLAGS := -o pipefail -c
.DEFAULT_GOAL := help

VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed

# The Python that makes the virtual environment: `make install PYTHON=...`.
# Empty: python3.11, else python3 where that is 3.11.
PYTHON ?=
# Test processes, seeds of the headline result, further arguments of pytest.
JOBS ?= 2
SEEDS ?= 0 1 2
PYTEST_ARGS ?=
# `make lock LOCK_ARGS=--upgrade` moves every pin to the newest that fits.
LOCK_ARGS ?=

PIP := $(BIN)/python -m pip --disable-pip-version-check
# Files in the order of tests/conftest.py, in place of those with most tests first.
PYTEST := $(BIN)/python -m pytest -n $(JOBS) --dist loadfile --no-loadscope-reorder
RUFF := $(BIN)/ruff

.PHONY: help
help:  ## list the targets
	@awk -F ':.*## ' '/^[a-z_-]+:.*## /{printf "  make %-15s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

# --- install ---------------------------------------------------------------

.PHONY: install
install: $(STAMP)  ## make .venv with the pinned packages and this project

$(STAMP): requirements.lock pyproject.toml
	@$(if $(PYTHON),candidates="$(PYTHON)",candidates="python3.11 python3"); \
	supported='import sys; sys.exit(not sys.version_info[:2] == (3, 11))'; \
	can_venv='import ensurepip, venv'; python=; \
	if $(BIN)/python -c "$$supported" 2>/dev/null \
	    && $(BIN)/python -m pip --version >/dev/null 2>&1; then exit 0; fi; \
	for candidate in $$candidates; do \
	  $$candidate -c "$$supported" 2>/dev/null || continue; \
	  python=$${python:-$$candidate}; \
	  $$candidate -c "$$can_venv" 2>/dev/null && python=$$candidate && break; \
	done; \
	if [ -z "$$python" ]; then \
	  echo "make install: no Python 3.11 among: $$candidates." \
	    "Install python3.11 or name one: make install PYTHON=/path/to/python3.11" >&2; \
	  exit 1; \
	fi; \
	if ! $$python -c "$$can_venv" 2>/dev/null; then \
	  version=$$($$python -c 'import sys; print("%d.%d" % sys.version_info[:2])'); \
	  echo "make install: $$python can't make virtual environments." \
	    "On Debian or Ubuntu: apt-get install python$$version-venv" >&2; \
	  exit 1; \
	fi; \
	echo "Making $(VENV) with $$($$python --version)"; \
	$$python -m venv --clear $(VENV)
	@echo "Installing the packages of requirements.lock (3 GB; minutes the first time)"
	@$(PIP) install -qq --require-hashes \
	    -r <(sed -nE '/^(packaging|setuptools|wheel)==/,/[^\]$$/p' requirements.lock)
	@$(PIP) install --require-hashes --no-build-isolation -r requirements.lock 2>&1 \
	  | awk ' \
	  /^(Collecting|Requirement already)/ && ++n % 20 == 0 { \
	    print "  " n " packages found"; fflush() } \
	  /^Installing collected/ { print "  unpacking them"; fflush() } \
	  /^ *(ERROR|error)/ { failed = 1 } \
	  failed || /^WARNING: Retrying/ { print > "/dev/stderr" }'
	@$(PIP) install -qq --no-deps --no-build-isolation --editable .
	@touch $@
	@echo "Installed. Next: make quickstart"

# --- run -------------------------------------------------------------------

.PHONY: quickstart
quickstart: install  ## the whole pipeline, small, into runs/quickstart
	$(BIN)/wtl run --gin_file=gin_configs/quickstart.gin --run_dir=runs/quickstart

# A run of a gin file for each seed of SEEDS, and their comparison, into a folder.
define each_seed
	set -e; for seed in $(SEEDS); do \
	  $(BIN)/wtl run --gin_file=$(1) \
	    --gin_bindings="run.seed=$$seed" --run_dir=$(2)/seed$$seed; \
	done
	$(BIN)/wtl evaluate --out=$(2) \
	  --compare="$$(echo $(SEEDS:%=$(2)/seed%) | tr ' ' ,)"
endef

.PHONY: headline
headline: install  ## the full state-based result, one run per seed of SEEDS
	$(call each_seed,gin_configs/gripper_state.gin,runs/headline)

.PHONY: paper_size
paper_size: install  ## the same at the paper's data size
	$(call each_seed,gin_configs/paper_size.gin,runs/paper_size)

.PHONY: metaworld
metaworld: install  ## one-shot imitation in Meta-World, one run per seed of SEEDS
	$(PIP) install -qq --no-deps --require-hashes -r examples/metaworld/requirements.txt
	$(call each_seed,examples/metaworld/metaworld.gin,runs/metaworld)

.PHONY: shipped
shipped: quickstart  ## pack the quick start's policies into the package, for `wtl teach`
	$(BIN)/python -m wtl.teach.shipped runs/quickstart

.PHONY: ablations
ablations: install  ## what each part is worth, into runs/ablations
	$(BIN)/wtl ablate --gin_dir=gin_configs/ablations --run_dir=runs/ablations

.PHONY: bench
bench: install  ## speed and memory against what else there is, into runs/bench.json
	$(BIN)/python -m benchmarks --all --output=runs/bench.json

# --- check -----------------------------------------------------------------

.PHONY: test
test: install  ## the tests that take seconds each
	$(PIP) install -qq --no-deps --require-hashes -r examples/serving/requirements.txt
	$(PYTEST) -m "not slow" $(PYTEST_ARGS)

.PHONY: test-slow
test-slow: install  ## the tests that take minutes each
	$(PIP) install -qq --no-deps --require-hashes -r examples/metaworld/requirements.txt
	$(PIP) install -qq --no-deps --require-hashes -r examples/serving/requirements.txt
	$(PYTEST) -m slow $(PYTEST_ARGS)
	WTL_FUZZ=long $(PYTEST) --dist load tests/fuzz

.PHONY: bazel-test
bazel-test: install  ## the tests of `make test` under Bazel
	PATH="$(CURDIR)/$(BIN):$$PATH" bazel test //...

.PHONY: verify_results
verify_results: install  ## recompute docs/results from stored rollouts, check the pages
	$(BIN)/python docs/verify_results.py

.PHONY: docs
docs: install  ## the documentation as a site, into build/site
	$(BIN)/python -m sphinx -q -W -b html docs build/site
	@echo "build/site/index.html"

.PHONY: lint
lint: install  ## check style
	$(RUFF) check .
	$(RUFF) format --check .

.PHONY: format
format: install  ## put the style right
	$(RUFF) check --fix .
	$(RUFF) format .

# --- upkeep ----------------------------------------------------------------

.PHONY: lock
lock: install  ## resolve pyproject.toml again into requirements.lock
	$(BIN)/python -m venv --clear build/lock
	build/lock/bin/python -m pip --disable-pip-version-check install -qq uv
	cp requirements.lock build/lock/requirements.txt
	build/lock/bin/uv pip compile pyproject.toml --extra dev --universal \
	  --python-version 3.11 --no-header --no-emit-index-url --no-emit-find-links \
	  --no-annotate --generate-hashes --quiet --output-file build/lock/requirements.txt \
	  $(LOCK_ARGS)
	{ sed '/^[^#]/,$$d' requirements.lock; \
	  grep -v '^#' build/lock/requirements.txt; } > build/lock/requirements.lock
	cp build/lock/requirements.lock requirements.lock
	rm -rf build/lock

.PHONY: clean
clean:  ## remove caches and build outputs; keeps .venv and runs/
	rm -rf build dist *.egg-info .hypothesis .pytest_cache .ruff_cache .bazel bazel-out
	find . -path ./$(VENV) -prune -o -path ./runs -prune -o \
	  -type d -name __pycache__ -exec rm -rf {} +

.PHONY: distclean
distclean: clean  ## also remove .venv
	rm -rf $(VENV)
