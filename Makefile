# Every target is self-sufficient: it makes .venv and installs into it when that is needed, and is quick when it is not.
#
# PYTHON   which Python makes the virtual environment: 3.10 or 3.11, because pybullet has wheels up to 3.11 only
# LOGDIR   where `make demo` keeps its run; the same directory again resumes it

PYTHON ?= python3
LOGDIR ?= runs/demo

BIN := .venv/bin
STAMP := .venv/.installed
PACKAGES := daydreamer robots calibration

.DEFAULT_GOAL := help
.PHONY: help setup demo test lint format browser bench clean

help:  ## what there is to make
	@awk -F ':.*## ' '/^[a-z]+:.*## / {printf "  make %-8s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

setup: $(STAMP)  ## install everything into .venv

demo: $(STAMP)  ## a simulated robot learns to get up, in a live panel; Ctrl-C stops, again goes on
	$(BIN)/daydreamer train --preset a1-sim --logdir $(LOGDIR)

test: lint  ## lint, then all tests
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest

lint: $(STAMP)  ## style, types, and which room may import which
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports --no-logo

format: $(STAMP)  ## put the code into the house format
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

browser:  ## Debian's chromium, with which the page is tested; needs root
	apt-get update
	apt-get install -y --no-install-recommends chromium chromium-driver

bench: $(STAMP)  ## measure the speed of each part on this computer
	$(BIN)/daydreamer bench all

clean:  ## remove all that can be made again (.venv, caches); runs/ stays
	rm -rf .venv build dist *.egg-info .pytest_cache .mypy_cache .ruff_cache .import_linter_cache .hypothesis
	find $(PACKAGES) tests -name __pycache__ -type d -prune -exec rm -rf {} +

$(STAMP): pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; v = sys.version_info[:2]; sys.exit(0 if (3, 10) <= v <= (3, 11) else \
	"Python 3.10 or 3.11 is needed, and \"$(PYTHON)\" is %d.%d: pybullet, the simulator, has no wheels above 3.11.\n" % v \
	+ "Name another one: make $(MAKECMDGOALS) PYTHON=python3.11")'
	test -x $(BIN)/python || $(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --disable-pip-version-check -e '.[learner,sim,web,dev]' -c constraints.txt
	@touch $(STAMP)
