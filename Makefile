# make run      a canvas at http://127.0.0.1:8080; make run ARGS="--port 9000"
# make kafka    a broker, two servers and nginx before them, on this machine; Ctrl-C ends all
# make check    what a minute can tell, for the loop while working: lint, types, the client, tests without servers
# make test     everything that must hold: lint, types, the client's tests, pytest; PYTEST_ARGS="-k png -x"
# make format   formats the Python code
# make dist     dist/: placed.pyz, one file that runs on a bare Python, and the wheel and the sdist
# make upgrade  moves constraints.txt to the newest versions that pyproject.toml allows
# make clean    removes what the others made
#
# Needs make, and Python 3.11 or newer; as root on Debian it fetches what else is missing, elsewhere it says how to
# get it. Written for the make 3.81 that macOS still has.

SHELL := /bin/sh
ARGS :=
PYTEST_ARGS :=
WORKERS := auto
SIDE_BY_SIDE :=
venv := .venv
dist := dist
typescript := tests/openapi/typescript
python := $(venv)/bin/python
pip := $(python) -m pip --disable-pip-version-check --quiet
# A file's tests stay in one process, for what they share, and the files come in the order of tests/support/run_order.py.
run_tests := $(python) -m pytest --numprocesses $(WORKERS) --dist loadfile --no-loadscope-reorder

# Python is to keep what it has compiled: each test of a server starts one, and each process of pytest reads all tests.
unexport PYTHONDONTWRITEBYTECODE

.PHONY: help run kafka check test lint types types-and-client client pytest pytest-and-others format dist upgrade clean parts

help:
	@sed -n 's/^# \(make .*\)/\1/p' Makefile

run: $(venv)/run.stamp
	@exec $(python) -m placed $(ARGS)

kafka: $(venv)/test.stamp
	@sh .ci/setup.sh fleet
	@exec $(python) -m tests.kafka.fleet $(ARGS)

# One after the other also under -j, the quickest first. Only mypy and the client's checks, half a minute of one core,
# have others beside them: each other, or pytest, whose tests wait so often that it costs them nothing.
ifneq ($(SIDE_BY_SIDE),yes)
.NOTPARALLEL:
endif
test: parts lint pytest-and-others

check: lint types-and-client quick

types-and-client: $(venv)/test.stamp
	@$(MAKE) --no-print-directory -j2 SIDE_BY_SIDE=yes types client

# The others take what pytest leaves of the processor, and have their say at the end: what isn't a test that passed.
pytest-and-others: $(venv)/test.stamp packages-of-npm
	@nice -n 19 $(MAKE) --no-print-directory types-and-client >$(venv)/others.txt 2>&1 & others=$$!; \
	    trap "kill $$others" HUP INT TERM; \
	    $(MAKE) --no-print-directory pytest; tests=$$?; \
	    wait $$others; others=$$?; grep -v '^✔' $(venv)/others.txt; exit $$((tests | others))

lint: $(venv)/test.stamp
	$(python) -m ruff check
	$(python) -m ruff format --check

types: $(venv)/test.stamp
	$(python) -m mypy

# Without npm only CI fails: who works on the Python side needs no node.
client:
	@if command -v npm >/dev/null; then \
	    $(MAKE) --no-print-directory client-checks; \
	else \
	    echo "left out: the client's types and unit tests, as npm is missing"; test "$$CI" != true; \
	fi

.PHONY: client-checks
client-checks: node_modules/.stamp
	@npm run --silent check
	@NODE_OPTIONS=--test-reporter=spec npm test --silent

pytest: $(venv)/test.stamp packages-of-npm
	$(run_tests) --durations 10 $(PYTEST_ARGS)

.PHONY: quick
quick: $(venv)/test.stamp
	$(run_tests) --quick $(PYTEST_ARGS)

parts:
	@sh .ci/setup.sh parts

format: $(venv)/test.stamp
	$(python) -m ruff check --fix
	$(python) -m ruff format

# What placed.pyz has besides: `make dist extras=kafka,oidc,video,parquet` has it all.
extras ?= kafka

# placed.pyz has the compiled packages in it: it is for this system, this kind of processor and this version of Python.
# Shiv leaves out what pip would compile to bytecode, which is half of the build.
dist: $(venv)/test.stamp
	@mkdir -p $(dist)
	@rm -f $(dist)/placed-*.whl $(dist)/placed-*.tar.gz $(dist)/placed.pyz
	@$(python) -m hatchling build --target wheel --target sdist --directory "$(abspath $(dist))"
	@$(venv)/bin/shiv --quiet --disable-pip-version-check --no-compile --constraint constraints.txt \
	    --console-script placed --output-file $(dist)/placed.pyz "$$(ls $(dist)/placed-*.whl)[$(extras)]"
	@ls -l $(dist)

# A virtual environment that doesn't start (its Python was removed, or the folder was moved) is made anew.
$(venv)/run.stamp: pyproject.toml constraints.txt
	@$(python) -m pip --version >/dev/null 2>&1 || sh .ci/setup.sh venv $(venv)
	@echo "installing into $(venv) what constraints.txt pins"
	@$(pip) install --constraint constraints.txt pip
	@$(pip) install --constraint constraints.txt --build-constraint constraints.txt --editable .
	@touch $@

$(venv)/test.stamp: $(venv)/run.stamp
	@$(pip) install --constraint constraints.txt --build-constraint constraints.txt --group dev --editable '.[kafka,oidc,parquet,video]'
	@touch $@

# Some of pytest's tests use them, too. Here, and before all that goes on side by side: two at once would fetch them twice.
.PHONY: packages-of-npm
packages-of-npm:
	@if command -v npm >/dev/null; then $(MAKE) --no-print-directory node_modules/.stamp $(typescript)/node_modules/.stamp; fi

node_modules/.stamp: package.json package-lock.json
	@npm ci --no-audit --no-fund --loglevel=error
	@touch $@

# What makes a client from docs/openapi.yaml needs an older TypeScript than the client's checks have.
$(typescript)/node_modules/.stamp: $(typescript)/package.json $(typescript)/package-lock.json
	@cd $(typescript) && npm ci --no-audit --no-fund --loglevel=error
	@touch $@

upgrade: $(venv)/run.stamp
	$(python) -m venv --clear $(venv)/upgrade
	$(venv)/upgrade/bin/python -m pip --quiet install --upgrade pip setuptools
	$(venv)/upgrade/bin/python -m pip --quiet install --editable '.[kafka,oidc,parquet,video]' --group dev editables
	sed -n '/^#/p' constraints.txt > $(venv)/constraints.txt
	$(venv)/upgrade/bin/python -m pip freeze --all --exclude-editable >> $(venv)/constraints.txt
	mv $(venv)/constraints.txt constraints.txt
	rm -rf $(venv)/upgrade

clean:
	rm -rf $(venv) node_modules $(typescript)/node_modules build dist .mypy_cache .pytest_cache .ruff_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
