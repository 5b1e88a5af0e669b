PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip install --quiet --disable-pip-version-check

# Where `make install` puts things; UNITDIR is systemd's, STATEDIR the service's own.
PREFIX ?= /opt/passbackd
UNITDIR ?= /etc/systemd/system
STATEDIR ?= /var/lib/passbackd

.PHONY: install uninstall demo test venv run bench lint lock migration docs clean

demo: $(VENV)/.runtime
	@$(BIN)/passbackd demo

run: $(VENV)/.runtime
	@exec $(BIN)/passbackd run

test: lint
	$(BIN)/python -m pytest -n 3 --dist loadfile --no-loadscope-reorder

lint: $(VENV)/.everything
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/python -m tests.checks.migrations_are_complete
	$(BIN)/python -m tests.checks.documents_are_generated
	$(BIN)/python -m tests.checks.one_definition
	$(BIN)/python -m tests.checks.one_limit
	$(BIN)/python -m tests.checks.plain_words

venv: $(VENV)/.everything

bench: $(VENV)/.bench
	$(BIN)/python -m benchmarks
	$(BIN)/python -m benchmarks unhealthy-campus

# The locks hold names, versions and hashes; only `make lock` changes what is installed.
$(VENV)/.runtime: requirements.txt pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit("passbackd needs Python 3.11 or newer: make PYTHON=python3.11" if sys.version_info < (3, 11) else 0)'
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@echo "installing passbackd into $(VENV)"
	@$(PIP) --require-hashes -r requirements.txt
	@$(PIP) --no-deps --no-build-isolation --editable .
	@touch $@

$(VENV)/.everything: $(VENV)/.runtime requirements-dev.txt
	@echo "installing what the tests need into $(VENV)"
	@$(PIP) --require-hashes -r requirements-dev.txt
	@touch $@

$(VENV)/.bench: $(VENV)/.everything requirements-bench.txt
	@echo "installing what the benchmarks need into $(VENV)"
	@$(PIP) --require-hashes -r requirements-bench.txt
	@touch $@

install:
	@PYTHON="$(PYTHON)" PREFIX="$(PREFIX)" UNITDIR="$(UNITDIR)" STATEDIR="$(STATEDIR)" sh deploy/install.sh

uninstall:
	@PREFIX="$(PREFIX)" UNITDIR="$(UNITDIR)" STATEDIR="$(STATEDIR)" sh deploy/uninstall.sh

lock: $(VENV)/.everything
	$(PIP) uv
	$(BIN)/uv pip compile --quiet --universal --generate-hashes --no-header --python-version 3.11 \
		--group build pyproject.toml -o requirements.txt
	$(BIN)/uv pip compile --quiet --universal --generate-hashes --no-header --python-version 3.11 \
		--group build --group test -c requirements.txt pyproject.toml -o requirements-dev.txt
	$(BIN)/uv pip compile --quiet --universal --generate-hashes --no-header --python-version 3.11 \
		--group bench -c requirements-dev.txt -o requirements-bench.txt

docs: $(VENV)/.everything
	$(BIN)/python -m tests.checks.documents_are_generated --write

migration: $(VENV)/.everything
	$(BIN)/python -m tests.checks.migrations_are_complete --write

clean:
	rm -rf $(VENV) .mypy_cache .pytest_cache .ruff_cache .hypothesis .import_linter_cache state
