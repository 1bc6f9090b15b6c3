# Everything here works on a fresh machine with Python >= 3.11, make, git and (for Kubernetes' programs) Go.
# Whatever a target starts ends with it, also on Ctrl-C and on failure: the sandbox's parts are on a leash (hack/sandbox_kit/leash.py).

SHELL := bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
MAKEFLAGS += --no-builtin-rules

PYTHON ?= $(shell for p in python3.13 python3.12 python3.11 python3 python; do \
	"$$p" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && echo "$$p" && break; done)
BIN := .venv/bin
STAMP := .venv/.made-of-these-pins
# The longest first; four files at a time, each with real parts of its own: much of their time is waiting.
SUITES ?= tests/chaos tests/integration tests/crds tests/unit tests/e2e
JOBS ?= 4
# Then what needs a node, two nodes at a time, and nothing beside them: users of a service notice a machine that is too busy.
NODES ?= 2
NODE_SUITE := $(filter tests/e2e,$(SUITES))
OTHER_SUITES := $(filter-out tests/e2e,$(SUITES))
BY_FILE := --dist loadfile --no-loadscope-reorder
ARGS ?=
export PYTHONPATH := $(CURDIR)/operator:$(CURDIR)/hack
# Where this is set, each of the hundred Python processes of a test run compiles everything anew.
export PYTHONDONTWRITEBYTECODE :=

.PHONY: help
help: ## this list
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## (.*)/  make \1\t\2/' | expand -t 22

.PHONY: setup
setup: $(STAMP) ## the virtual environment .venv, with the pinned versions

$(STAMP): pyproject.toml constraints.txt
	@[[ -n "$(PYTHON)" ]] || { echo "no Python >= 3.11 on the PATH; name one with make PYTHON=..." >&2; exit 1; }
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --upgrade 'pip>=25.1'
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt --group dev -e .
	@touch $@

.PHONY: parts kubernetes prepared
parts: ## Kubernetes' programs and Glance's environment, kept in the user's cache (minutes, once)
	@$(MAKE) --no-print-directory --jobs 2 kubernetes prepared

# Compiling takes the longest and needs nothing that is installed first. Where there is no Python, the set-up says so.
kubernetes:
	@$(if $(PYTHON),$(PYTHON) -m sandbox_kit.binaries)

prepared: setup
	@$(BIN)/python -m sandbox_kit prepare

.PHONY: check
check: setup ## format, lint, types, layers, unit tests, generated files: the quick look before a commit
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/python hack/crds --check
	$(BIN)/pytest tests/unit -q --numprocesses $(JOBS) $(BY_FILE)

.PHONY: test
test: ## all tests, on a real control plane, a real Glance, and as root on Linux on a real node
	@$(MAKE) --no-print-directory parts
	@$(if $(OTHER_SUITES),$(BIN)/pytest $(OTHER_SUITES) --numprocesses $(JOBS) $(BY_FILE) $(ARGS))
	@$(if $(NODE_SUITE),$(BIN)/pytest $(NODE_SUITE) --numprocesses $(NODES) $(BY_FILE) $(ARGS))

# On the cluster of KUBECONFIG, if it is set: hack/sandbox_kit/node/elsewhere.py says what it has to have.
.PHONY: e2e
e2e: ## services in pods, on a real node (Linux, root; NODE=1 installs what Debian packages are missing) or by KUBECONFIG
	@$(MAKE) --no-print-directory parts
	@E2E_KUBECONFIG="$${KUBECONFIG:-}" $(BIN)/pytest tests/e2e $(if $(KUBECONFIG),,--numprocesses $(NODES) $(BY_FILE)) $(ARGS)

.PHONY: e2e-kind
e2e-kind: ## the same on a cluster of kind's, made for it (Docker)
	@hack/kind

.PHONY: demo
demo: setup ## the operator at work on hack/samples, watched live (ONCE=1: ends by itself; NODE=1: all of it in pods)
	@$(BIN)/python -m demo $(if $(filter-out 0,$(ONCE)),--once) $(if $(filter-out 0,$(NODE)),--node)

.PHONY: bench
bench: parts ## measure, and write docs/benchmarks.md (QUICK=1: only show that it works)
	@PYTHONPATH="$$PYTHONPATH:$(CURDIR)" $(BIN)/python -m tests.bench $(if $(filter-out 0,$(QUICK)),--quick)

.PHONY: crds
crds: setup ## write crds/ and docs/reference/ from the models
	$(BIN)/python hack/crds

.PHONY: fmt
fmt: setup ## format, and repair what the linter can
	$(BIN)/ruff check --fix-only .
	$(BIN)/ruff format .

.PHONY: sandbox-up sandbox-down
sandbox-up: ## a sandbox for people, in the background
	@hack/sandbox up
sandbox-down: ## stop it
	@hack/sandbox down

.PHONY: clean
clean: ## forget .venv and caches of this checkout (not what is kept in the user's cache)
	rm -rf .venv .pytest_cache .mypy_cache .ruff_cache .import_linter_cache .hypothesis
