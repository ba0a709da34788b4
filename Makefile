# The front door: `make` lists what there is.

.DEFAULT_GOAL := help
SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c

BIN := .venv/bin
# The first of these that is Python 3.11 or newer; PYTHON=... names another.
PYTHON ?= $(shell for p in python3 python3.13 python3.12 python3.11 python3.14; do \
	$$p -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && echo $$p && break; done)
export SAM_CLI_TELEMETRY := 0
# SAM wants a region even where it asks nobody. What goes to AWS takes yours.
bench build chaos check cost demo docs-check lint load test: export AWS_DEFAULT_REGION ?= eu-west-1
# ENVIRONMENT, ORGANIZATION, PARAMETERS="NAME=VALUE …" and YES=1, for `make deploy` and `make undeploy`.
COMMAND_OPTIONS = $(if $(ENVIRONMENT),--environment $(ENVIRONMENT)) \
	$(if $(ORGANIZATION),--organization $(ORGANIZATION)) $(if $(YES),--yes)
# One file of pinned hashes per environment; a stamp says which of them is installed.
SETUP := .venv/.installed .tools/emulator/.installed .tools/job/.installed
TEMPLATES := template.yaml $(wildcard container/*.yaml)

.PHONY: help
help: ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  %-12s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

.PHONY: setup
setup: $(SETUP) ## make .venv with the command cloud-runner, and the embedded stack's environments

.PHONY: demo
demo: $(SETUP) ## push a commit to the embedded stack and watch it become a result
	@$(BIN)/cloud-runner demo

.PHONY: test
test: $(SETUP) ## run every test
	@$(BIN)/pytest

.PHONY: check
check: format-check lint types test docs-check ## what CI runs: format, lint, types, tests, docs

.PHONY: format
format: $(SETUP) ## format the code
	@$(BIN)/ruff format .
	@$(BIN)/ruff check --fix --quiet . || true

.PHONY: format-check
format-check: $(SETUP)
	@$(BIN)/ruff format --check --quiet . || { echo "run: make format"; exit 1; }

.PHONY: lint
lint: $(SETUP) .tools/checkov/.installed .tools/audit/.installed ## lint code, templates and Dockerfile
	@$(BIN)/ruff check .
	@$(BIN)/hadolint container/Dockerfile $(wildcard examples/*/Dockerfile)
	@for template in $(TEMPLATES); do $(BIN)/sam validate --lint --template $$template; done
	@$(BIN)/cfn-lint --regions ALL_REGIONS --template $(TEMPLATES)
	@env -u BC_API_KEY CKV_PARSE_ERROR_FAIL=true \
		.tools/checkov/bin/checkov --config-file .ci/checkov.yaml --file $(TEMPLATES)
	@$(BIN)/python -m tests.audit code secrets

.PHONY: audit
audit: $(SETUP) .tools/audit/.installed ## look for insecure code, secrets and vulnerable packages
	@$(BIN)/python -m tests.audit

.PHONY: types
types: $(SETUP) ## check types
	@$(BIN)/mypy

.PHONY: docs-check
docs-check: $(SETUP) ## check that links and lists in the docs are true
	@$(BIN)/pytest -q tests/contracts -k docs

.PHONY: build
build: $(SETUP) ## build the functions and the layer for AWS; ARCHITECTURE=x86_64 if not for arm64
	@$(if $(ARCHITECTURE),LAMBDA_ARCHITECTURE=$(ARCHITECTURE) )$(BIN)/sam build \
		$(if $(ARCHITECTURE),--parameter-overrides Architecture=$(ARCHITECTURE))

.PHONY: deploy
deploy: $(SETUP) ## deploy to AWS: make deploy ENVIRONMENT=production PARAMETERS="MaxGpus=4"
	@$(BIN)/cloud-runner deploy $(COMMAND_OPTIONS) $(foreach pair,$(PARAMETERS),--parameter '$(pair)')

.PHONY: undeploy
undeploy: $(SETUP) ## delete what `make deploy` made; says what is kept
	@$(BIN)/cloud-runner undeploy $(COMMAND_OPTIONS)

.PHONY: reference
reference: $(SETUP) ## write docs/commands.md again, from the commands
	@$(BIN)/python -m cli.reference

.PHONY: schemas
schemas: $(SETUP) ## write the JSON Schemas of our events again
	@$(BIN)/python -m cli.schemas events/schemas

.PHONY: cost
cost: $(SETUP) ## compute docs/cost.md again, from the templates and a table of prices
	@$(BIN)/python -m cli.costs

.PHONY: bench
bench: $(SETUP) ## measure; prints ratios from one run
	@$(BIN)/python -m tests.benchmarks

.PHONY: simulate
simulate: $(SETUP) ## run hostile schedules in a simulation: SEEDS=10000, or SEED=n to replay one
	@$(BIN)/python -m tests.simulation $(if $(SEED),--seed $(SEED),--seeds $(or $(SEEDS),10000))

.PHONY: mutants
mutants: $(SETUP) ## show that the simulation finds deliberate faults in the product
	@$(BIN)/python -m tests.simulation.mutants

.PHONY: chaos
chaos: $(SETUP) ## kill parts of the embedded stack while 200 pushes go through
	@$(BIN)/python -m tests.chaos $(if $(SEED),--seed $(SEED))

.PHONY: load
load: $(SETUP) ## load the embedded stack: rate, branches, backlog and a soak of 15 minutes
	@$(BIN)/python -m tests.load

.PHONY: lock
lock: .venv/.installed ## pin the newest versions that pyproject.toml and the *.in files allow
	@lock() { $(BIN)/uv pip compile --quiet --no-config --no-emit-index-url --universal \
		--python-version 3.11 --generate-hashes --custom-compile-command 'make lock' "$$@"; }; \
	lock pyproject.toml --extra dev -o requirements/dev.txt; \
	lock pyproject.toml -c requirements/dev.txt -o shared/requirements.txt; \
	lock requirements/bootstrap.in -o requirements/bootstrap.txt; \
	lock requirements/emulator.in -o requirements/emulator.txt; \
	lock requirements/checkov.in -o requirements/checkov.txt; \
	lock requirements/audit.in -o requirements/audit.txt; \
	lock container/requirements.in -o container/requirements.txt

.PHONY: clean
clean: ## remove what the other targets made
	@rm -rf .venv .tools .aws-sam .cloud-runner .mypy_cache .pytest_cache .ruff_cache .hypothesis

.venv/bin/uv: requirements/bootstrap.txt
	@[ -n "$(PYTHON)" ] || { echo "Python 3.11 or newer is needed: install it, or say make PYTHON=/path/to/python3"; exit 1; }
	@echo "setting up .venv with $$($(PYTHON) --version)"
	@$(PYTHON) -m venv --clear .venv || { echo "python3 -m venv does not work here: on Debian and Ubuntu, apt install python3-venv"; exit 1; }
	@$(BIN)/pip install --quiet --disable-pip-version-check --require-hashes --only-binary :all: -r requirements/bootstrap.txt
	@touch $@

.venv/.installed: .venv/bin/uv requirements/dev.txt pyproject.toml
	@$(BIN)/uv pip sync --quiet --no-config --python $(BIN)/python --require-hashes requirements/dev.txt
	@$(BIN)/uv pip install --quiet --no-config --python $(BIN)/python --no-deps --no-build-isolation --editable .
	@touch $@

# The embedded stack's functions run on the emulator's interpreter and see its packages: it stays bare.
.tools/emulator/.installed: requirements/emulator.txt
# Local jobs run on the libraries of the base image.
.tools/job/.installed: container/requirements.txt
# 260 MB that only `make lint` needs: docs/decisions/0016-checkov.md
.tools/checkov/.installed: requirements/checkov.txt
# What `make lint` and `make audit` look for insecure code with: docs/decisions/0026-audits.md
.tools/audit/.installed: requirements/audit.txt
.tools/emulator/.installed .tools/job/.installed .tools/checkov/.installed .tools/audit/.installed: .tools/%/.installed: .venv/.installed
	@echo "setting up .tools/$*"
	@rm -rf .tools/$* && $(BIN)/uv venv --quiet --no-config --python $(BIN)/python .tools/$*
	@$(BIN)/uv pip install --quiet --no-config --python .tools/$*/bin/python --require-hashes --compile-bytecode \
		--build-constraints $(filter %.txt,$^) -r $(filter %.txt,$^)
	@touch $@
