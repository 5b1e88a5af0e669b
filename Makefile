PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip install --quiet --disable-pip-version-check

# In the environment of the tests, so that one folder holds all that is installed.
TUTOR := $(VENV)/tutor

# Where `make install` puts things; UNITDIR is systemd's, STATEDIR the service's own, BINDIR is on everybody's PATH.
PREFIX ?= /opt/passbackd
UNITDIR ?= /etc/systemd/system
STATEDIR ?= /var/lib/passbackd
BINDIR ?= $(if $(filter /opt/passbackd,$(PREFIX)),/usr/local/bin,$(PREFIX)/bin)
# yes: install a Valkey too, for redis.url = "embedded".
EMBEDDED ?= no
# The one file of a release, or of `make dist`, to install from without an index of packages.
PEX ?=
PLACES = PREFIX="$(PREFIX)" UNITDIR="$(UNITDIR)" STATEDIR="$(STATEDIR)" BINDIR="$(BINDIR)"

# What `make dist` builds for, on Linux and x86-64, and where it puts it.
PYTHONS ?= 3.11 3.12 3.13
DIST ?= dist
WHEELS := $(VENV)/wheels

.PHONY: install uninstall dist reproducible version release tag demo test test-openedx test-typescript test-django42 test-django52 venv production run bench audit sbom lint lock migration docs clean

demo: $(VENV)/.runtime
	@$(BIN)/passbackd demo

run: $(VENV)/.runtime
	@exec $(BIN)/passbackd run

# Else each of some thousand processes would compile every module.
test: export PYTHONDONTWRITEBYTECODE =
test: lint test-openedx test-typescript $(TUTOR)/.installed $(VENV)/.dist $(VENV)/php $(VENV)/chromium
	$(BIN)/python -m pytest -n 4 --dist loadfile --no-loadscope-reorder

# The plugin for Open edX, on the oldest and the newest Django and redis-py that it supports, and on MariaDB; on a
# system without Debian's packages only PLATFORM_SQLITE=yes is left.
OPENEDX := clients/openedx
MARIADB := $(if $(PLATFORM_SQLITE),,$(OPENEDX)/.venv/mariadb)

test-openedx: $(MARIADB)
	@$(MAKE) --no-print-directory --output-sync=target -j 2 test-django42 test-django52

test-django42 test-django52: test-%: $(OPENEDX)/.venv/%/.everything $(MARIADB)
	cd $(OPENEDX) && .venv/$*/bin/python -m pytest

TYPESCRIPT := clients/typescript

test-typescript: $(TYPESCRIPT)/node_modules/.package-lock.json
	cd $(TYPESCRIPT) && npm test --silent

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
	$(BIN)/python -m tests.checks.short_files
	$(BIN)/python -m deploy.release.steps check

venv: $(VENV)/.everything

bench: $(VENV)/.bench
	$(BIN)/python -m benchmarks
	$(BIN)/python -m benchmarks unhealthy-campus

# The daemon alone, for servers of your own: no embedded Valkey, and nothing that only tests need.
production: $(VENV)/.production

# The locks hold names, versions and hashes; only `make lock` changes what is installed.
$(VENV)/.production: requirements.txt pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit("passbackd needs Python 3.11 or newer: make PYTHON=python3.11" if sys.version_info < (3, 11) else 0)'
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@echo "installing passbackd into $(VENV)"
	@$(PIP) --require-hashes -r requirements.txt
	@$(PIP) --no-deps --no-build-isolation --editable .
	@touch $@

$(VENV)/.runtime: $(VENV)/.production requirements-embedded.txt
	@$(PIP) --require-hashes -r requirements-embedded.txt
	@touch $@

$(VENV)/.everything: $(VENV)/.runtime requirements-dev.txt clients/python/pyproject.toml
	@echo "installing what the tests need into $(VENV)"
	@$(PIP) --require-hashes -r requirements-dev.txt
	@$(PIP) --no-deps --no-build-isolation --editable clients/python
	@touch $@

# The client for Tutor, with the real Tutor: nothing of it is of use to passbackd's own environment.
$(TUTOR)/.installed: clients/tutor/requirements.txt clients/tutor/pyproject.toml
	@test -x $(TUTOR)/bin/python || $(PYTHON) -m venv $(TUTOR)
	@echo "installing Tutor for the tests of clients/tutor"
	@$(TUTOR)/bin/python -m pip install --quiet --disable-pip-version-check --require-hashes -r clients/tutor/requirements.txt
	@$(TUTOR)/bin/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable clients/tutor
	@touch $@

# PHP for the recipe of docs/feed.md, and a browser for the pages.
$(VENV)/php $(VENV)/chromium: $(VENV)/%: tests/debian.sh | $(VENV)/.everything
	@echo "unpacking $* for the tests"
	@sh $< $* $(CURDIR)/$@
	@touch $@

$(VENV)/.release: $(VENV)/.everything requirements-release.txt
	@$(PIP) --require-hashes -r requirements-release.txt
	@touch $@

$(VENV)/.dist: $(VENV)/.production requirements-dist.txt
	@echo "installing what a distribution is built with into $(VENV)"
	@$(PIP) --require-hashes -r requirements-dist.txt
	@touch $@

# Of another Python than pip's own, which would read the markers as its own: they go, and the one file takes its choice.
$(WHEELS)/%/.fetched: requirements-embedded.txt | $(VENV)/.production
	@echo "fetching the wheels for Python $*"
	@rm -rf $(@D) && mkdir -p $(@D)
	@sed -E 's/ ; [^\\]*//' requirements-embedded.txt > $(@D)/requirements.txt
	@$(BIN)/python -m pip download --quiet --disable-pip-version-check --require-hashes --no-deps --only-binary :all: \
		--implementation cp --python-version $* --platform manylinux_2_28_x86_64 --platform manylinux2014_x86_64 \
		--dest $(@D) -r $(@D)/requirements.txt
	@touch $@

$(VENV)/.bench: $(VENV)/.everything requirements-bench.txt
	@echo "installing what the benchmarks need into $(VENV)"
	@$(PIP) --require-hashes -r requirements-bench.txt
	@touch $@

$(OPENEDX)/.venv/%/.everything: $(OPENEDX)/requirements-%.txt $(OPENEDX)/pyproject.toml clients/python/pyproject.toml
	@echo "installing what the tests of $(OPENEDX) need into $(@D)"
	@test -x $(@D)/bin/python || $(PYTHON) -m venv $(@D)
	@$(@D)/bin/python -m pip install --quiet --disable-pip-version-check --require-hashes -r $<
	@$(@D)/bin/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable clients/python --editable $(OPENEDX)
	@touch $@

$(TYPESCRIPT)/node_modules/.package-lock.json: $(TYPESCRIPT)/package-lock.json $(TYPESCRIPT)/package.json
	@command -v npm > /dev/null || { echo "the tests of $(TYPESCRIPT) need Node.js 20 or newer, with npm" >&2; exit 1; }
	@echo "installing what the tests of $(TYPESCRIPT) need"
	@cd $(TYPESCRIPT) && npm ci --silent --ignore-scripts --no-audit --no-fund
	@touch $@

$(OPENEDX)/.venv/mariadb: $(OPENEDX)/tests/mariadb.sh
	@echo "unpacking MariaDB for the tests of $(OPENEDX)"
	@mkdir -p $(@D)
	@sh $< $(CURDIR)/$@

# Known faults of what a production install holds; asks the index of PyPI, and fails where that does not answer.
audit: $(VENV)/.release
	$(BIN)/pip-audit --strict --require-hashes --disable-pip -r requirements.txt

# What a production install holds, with versions and hashes, in CycloneDX's format.
sbom: $(VENV)/.dist
	$(BIN)/python -W ignore -m cyclonedx_py requirements --pyproject pyproject.toml --output-reproducible \
		--output-format JSON --output-file sbom.json requirements.txt

# Wheel, sdist, passbackd.pex, Debian package, Containerfile, compose.yaml, SBOM, the clients and checksums.
dist: $(VENV)/.dist $(PYTHONS:%=$(WHEELS)/%/.fetched) $(if $(shell command -v npm 2> /dev/null),$(TYPESCRIPT)/node_modules/.package-lock.json)
	@BIN="$(BIN)" DIST="$(DIST)" PYTHONS="$(PYTHONS)" WHEELS="$(WHEELS)" sh deploy/release/build.sh

# Builds it once more, in another place and with another umask, and compares the checksums.
reproducible: dist
	@again=$$(mktemp -d) && umask 077 && $(MAKE) --no-print-directory dist DIST=$$again > /dev/null && \
		diff $(DIST)/SHA256SUMS $$again/SHA256SUMS && rm -r $$again && \
		ls $(DIST)/*.deb $(DIST)/*.tgz > /dev/null && echo "built twice, and every file is the same"

# The steps of a release (docs/releasing.md). They need no environment, and git alone.
# `make version VERSION=1.2.3` sets the version in each file that has it; without VERSION= it says which it is.
version:
	@$(PYTHON) -m deploy.release.steps version $(if $(VERSION),"$(VERSION)")

# What the changelog has as unreleased becomes the section of the version, of today.
release:
	@$(PYTHON) -m deploy.release.steps date

tag:
	@$(PYTHON) -m deploy.release.steps tag

install:
	@PYTHON="$(PYTHON)" EMBEDDED="$(EMBEDDED)" PEX="$(PEX)" $(PLACES) sh deploy/install.sh

uninstall:
	@$(PLACES) sh deploy/uninstall.sh

COMPILE = $(BIN)/uv pip compile --quiet --universal --generate-hashes --no-header --python-version 3.11 \
	$(if $(UPGRADE),--upgrade-package $(UPGRADE)) pyproject.toml

# The client is in this checkout, not in an index.
OPENEDX_COMPILE = $(CURDIR)/$(COMPILE) - --group build --group test --no-emit-package passbackd-client

lock: $(VENV)/.dist
	$(COMPILE) --group build -o requirements.txt
	$(COMPILE) --group build --extra embedded -c requirements.txt -o requirements-embedded.txt
	$(COMPILE) --group build --extra embedded --group test -c requirements-embedded.txt -o requirements-dev.txt
	$(COMPILE) --group dist -c requirements-dev.txt -o requirements-dist.txt
	$(COMPILE) --group release -c requirements-dist.txt -o requirements-release.txt
	$(COMPILE) --group bench -c requirements-dev.txt -o requirements-bench.txt
	cd clients/tutor && ../../$(COMPILE) --group build -o requirements.txt
	cd $(OPENEDX) && printf 'django<5\nredis<6\n' | $(OPENEDX_COMPILE) -o requirements-django42.txt
	cd $(OPENEDX) && printf 'django>=5.2\nredis>=8\n' | $(OPENEDX_COMPILE) -o requirements-django52.txt

docs: $(VENV)/.everything
	$(BIN)/python -m tests.checks.documents_are_generated --write

migration: $(VENV)/.everything
	$(BIN)/python -m tests.checks.migrations_are_complete --write

clean:
	rm -rf $(VENV) $(OPENEDX)/.venv $(TYPESCRIPT)/node_modules $(TYPESCRIPT)/build .mypy_cache .pytest_cache .ruff_cache .hypothesis .import_linter_cache state
