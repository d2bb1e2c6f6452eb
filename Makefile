# Two commands matter: `make demo` and `make test`. `make` alone prints this list.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed
# A worker that a hanging test has ended is replaced once: what hangs again would take five minutes each time.
PYTEST := $(BIN)/python -m pytest -n 2 --dist loadfile --no-loadscope-reorder --max-worker-restart 1
SIZE ?= document
ONCE ?=
# Every command and test starts processes; without cached bytecode each of them compiles the platform again.
unexport PYTHONDONTWRITEBYTECODE

.PHONY: help demo test soak lint format bench dev docs lock clean system

help:  ## print this list
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "make %-8s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

$(STAMP): requirements.lock pyproject.toml
	@command -v $(PYTHON) >/dev/null || { echo "Python 3.11 or newer is needed; mend: install it or run make PYTHON=/path/to/python3"; exit 2; }
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "Python 3.11 or newer is needed; mend: run make PYTHON=/path/to/python3.11"; exit 2; }
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes --no-deps --requirement requirements.lock
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
	@touch $(STAMP)

demo: $(STAMP)  ## start the sandbox and Dagster, run everything once, print a summary, stay up (ONCE=1 exits, SIZE=small|document|large)
	$(BIN)/hubspot-platform demo --size $(SIZE) $(if $(ONCE),--once)

test: $(STAMP) system  ## every test, with a real PostgreSQL and a real browser
	$(PYTEST) -m "not soak"

soak: $(STAMP) system  ## long kill runs, not part of make test
	$(PYTEST) -m soak -o faulthandler_timeout=1800

lint: $(STAMP)  ## format check, lint, types, definitions
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	VIRTUAL_ENV=$(CURDIR)/$(VENV) $(BIN)/dg check defs

format: $(STAMP)  ## format and fix
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

bench: $(STAMP)  ## the benchmark table; minutes, on a quiet machine
	$(BIN)/python -m benchmarks

dev: $(STAMP)  ## the Dagster UI and daemon alone, on the configured stores
	$(BIN)/hubspot-platform dev

docs: $(STAMP) system  ## take the screenshots in docs/ again
	$(BIN)/python -m docs.screenshots

system:
	@sh deploy/install-system-packages.sh

lock:  ## resolve the locked dependencies again (needs uv)
	@command -v uv >/dev/null || { echo "uv is needed to resolve dependencies again; mend: pip install uv"; exit 2; }
	uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-annotate --extra dev --extra pubsub --output-file requirements.lock pyproject.toml deploy/build-requirements.in

clean:  ## remove the environment, the demo's home and caches
	rm -rf $(VENV) .hubspot_platform .mypy_cache .ruff_cache .pytest_cache .hypothesis benchmarks/results dist
