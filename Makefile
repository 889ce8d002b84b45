# make demo          from photographs to a post-trained planner and a report
# make test          lint, format, and every test that takes seconds
# make test-slow     the tests that take minutes: whole runs, several processes, kills, notebooks
# make test-parity   against torch and transformers, live
PYTHON ?= python3
WORKDIR ?= runs/quickstart
PHOTOS ?=
BIN := .venv/bin

.PHONY: demo test test-slow test-parity lint format clean

demo: .venv/data.installed
	$(BIN)/python experiments/quickstart.py --workdir=$(WORKDIR) $(if $(PHOTOS),"--config.photos=$(PHOTOS)")

test: .venv/test.installed lint
	$(BIN)/python -m pytest -n 2 --dist loadfile --no-loadscope-reorder

test-slow: .venv/test.installed
	$(BIN)/python -m pytest -n 2 --dist loadfile --no-loadscope-reorder -m "slow and not parity"

test-parity: .venv/parity.installed
	$(BIN)/python -m pytest -n 2 --dist loadfile -m parity tests/parity tests/rewards

lint: .venv/test.installed
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

format: .venv/test.installed
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

# One stamp an extra: setup.py changed means install again.
.venv/%.installed: setup.py
	test -x $(BIN)/python || $(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -e ".[$*]"
	touch $@

clean:
	rm -rf .venv build *.egg-info
