# make demo          from photographs to post-trained planners and a report
# make test          lint, format, dead code, and every test that takes seconds
# make test-slow     the tests that take minutes: whole runs, several processes, kills, notebooks
# make test-parity   live comparison with torch and transformers
# make docs          the documentation site, into site/
PYTHON ?= python3
WORKDIR ?= runs/quickstart
PHOTOS ?=
BIN := .venv/bin
PYTEST := $(BIN)/python -m pytest -n 2 --dist loadfile --no-loadscope-reorder --durations=30

.PHONY: demo test test-slow test-parity lint format docs docs-serve clean

demo: .venv/data.installed
	$(BIN)/python experiments/quickstart.py "--workdir=$(WORKDIR)" $(if $(PHOTOS),"--config.photos=$(PHOTOS)")

test: .venv/test.installed lint
	$(PYTEST)

test-slow: .venv/test.installed
	$(PYTEST) -m "slow and not parity"

test-parity: .venv/parity.installed
	$(PYTEST) -m parity tests/parity tests/rewards

lint: .venv/test.installed
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/vulture

format: .venv/test.installed
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

docs: .venv/docs.installed
	$(BIN)/mkdocs build --strict

docs-serve: .venv/docs.installed
	$(BIN)/mkdocs serve

# One stamp per extra; a changed setup.py installs again.
.venv/%.installed: setup.py
	$(BIN)/python -m pip --version >/dev/null 2>&1 || $(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -e ".[$*]"
	touch $@

clean:
	rm -rf .venv build site *.egg-info
