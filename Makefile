# `make` alone lists the targets. The environment they need is made by the first of them that needs it, once, in .venv
# from requirements.lock, and again only when the lock, pyproject.toml or the folder's place has changed.

REPORT ?= demo
PYTEST_ARGS ?= -n auto --dist loadscope --no-loadscope-reorder
# every notebook on the tiny company, cell by cell, unless only some tests are asked for
NOTEBOOK_TESTS := $(if $(filter file,$(origin PYTEST_ARGS)),yes)
PYTHON ?=

VENV := .venv
STAMP := $(VENV)/.installed
# what the tests in a real browser need beside Python, as far as it can be had
BROWSER := $(VENV)/browser/tried
PIP := $(VENV)/bin/python -m pip --quiet --quiet --disable-pip-version-check --no-input

# No resolver: the lock is complete. No byte code ahead of time: compiling what is never imported costs a quarter more.
AS_LOCKED := --no-deps --no-compile

# What every command runs with, whatever the caller's shell has: UTF-8 files, Jupyter's present folder layout, and the
# kernel `python3` of this environment rather than one of that name in the user's home.
export PYTHONUTF8 := 1
export JUPYTER_PLATFORM_DIRS := 1
export JUPYTER_PREFER_ENV_PATH := 1
# kernels of Papermill, nbval and JupyterLab are forked from a process that has imported everything
export JUPYTER_DEFAULT_PROVISIONER_NAME := crmtools
export LANG ?= C.UTF-8
# byte code is written when a module is first imported (see the install), or every kernel would compile it again
unexport PYTHONDONTWRITEBYTECODE
RUN := PATH="$(CURDIR)/$(VENV)/bin:$$PATH"

# An environment holds absolute paths, so the stamp names the folder it was made in: a moved or copied project, a Python
# that has gone or an install that was interrupted means starting again.
SOUND := $(shell [ -x $(VENV)/bin/python ] && [ "$$(cat $(STAMP) 2>/dev/null)" = "$(CURDIR)" ] && echo yes)

PYTHONS := $(if $(PYTHON),"$(PYTHON)",python3.11 python3.12 python3.13 python3.14 python3)
FITNESS := import sys; sys.version_info < (3, 11) and sys.exit("it is Python %d.%d" % sys.version_info[:2]); \
  from importlib.util import find_spec; \
  None in map(find_spec, ("venv", "ensurepip")) and sys.exit("it lacks venv or ensurepip")

.DEFAULT_GOAL := help
.PHONY: help report test test-all check lab bench lock clean again

help:
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "make %-9s %s\n", $$1, $$2 }' $(firstword $(MAKEFILE_LIST))

report: $(STAMP)  ## run and publish a report: REPORT=demo reads parameters/demo.yml, writes published/demo/
	@$(RUN) crmtools report "parameters/$(REPORT).yml"

test: $(STAMP) $(BROWSER)  ## the tests that are quick, and every notebook (PYTEST_ARGS="-x tests/test_setup.py" runs some of them)
	@$(RUN) pytest $(PYTEST_ARGS)
	@[ -z "$(NOTEBOOK_TESTS)" ] || $(RUN) pytest $(PYTEST_ARGS) --nbval-lax --nbval-current-env notebooks

test-all: $(STAMP) $(BROWSER)  ## all tests, the slow ones too
	@$(RUN) pytest $(PYTEST_ARGS) -m ""
	@[ -z "$(NOTEBOOK_TESTS)" ] || $(RUN) pytest $(PYTEST_ARGS) --nbval-lax --nbval-current-env notebooks

$(BROWSER): $(STAMP)
	@$(RUN) python tests/set_up_browser.py

check: $(STAMP)  ## formatting, lint and types
	@$(RUN) ruff format --check
	@$(RUN) ruff check
	@$(RUN) mypy

lab: $(STAMP)  ## JupyterLab in notebooks/
	@cd notebooks && $(RUN) jupyter lab

bench: $(STAMP)  ## the benchmarks, one after another
	@for script in benchmarks/*.py; do [ -e "$$script" ] || continue; \
	  echo "$$script"; $(RUN) python "$$script" || exit 1; done

# pip's resolver in an empty environment; versions that are locked already stay unless UPGRADE=1. Comments stay, and
# lines with a marker, which are for systems other than the one this runs on.
lock: $(STAMP)  ## write requirements.lock from pyproject.toml (UPGRADE=1 takes the newest versions the bounds allow)
	@echo "Resolving pyproject.toml in an empty environment, some minutes ..."
	@rm -rf .venv-lock && $(VENV)/bin/python -m venv .venv-lock
	@.venv-lock/bin/python -m pip --quiet --quiet install $(if $(UPGRADE),,-c requirements.lock) '.[dev]'
	@.venv-lock/bin/python -m pip check
	@{ sed -n '/^#/p' requirements.lock; { sed -n '/ ; /p' requirements.lock; \
	  .venv-lock/bin/python -m pip freeze --all --exclude crmtools --exclude pip; } | LC_ALL=C sort -f; } >requirements.lock.new
	@mv requirements.lock.new requirements.lock && rm -rf .venv-lock build crmtools.egg-info

clean:  ## remove the environment and caches; runs/, published/ and snapshots stay
	rm -rf $(VENV) .venv-lock build dist *.egg-info .pytest_cache .hypothesis .mypy_cache .ruff_cache
	find crmtools tests benchmarks notebooks -name __pycache__ -o -name .ipynb_checkpoints 2>/dev/null | xargs rm -rf

# A sound environment that is older than the lock is brought up to it; otherwise a new one is filled by four pips side by
# side, each with every fourth line of the lock (29 s instead of 58 s on two cores).
$(STAMP): requirements.lock pyproject.toml $(if $(SOUND),,again)
	@python= ; for try in $(PYTHONS); do \
	  why=$$("$$try" -c '$(FITNESS)' 2>&1) && python=$$try && break; done; \
	if [ -z "$$python" ]; then \
	  echo "crmtools needs Python 3.11 or newer with its venv module. Not fit: $$try ($$(echo "$$why" | tail -n 1))." \
	    "Name another: make ... PYTHON=/path/to/python3" >&2; exit 1; fi; \
	if [ -n "$(SOUND)" ]; then rm -f $(STAMP); exit; fi; \
	echo "Installing requirements.lock into $(VENV), about a minute, once ..."; \
	rm -rf $(VENV) && "$$python" -m venv $(VENV) && printf '%s\n' 0 1 2 3 | xargs -n 1 -P 4 sh -c \
	  'awk "NR % 4 == $$0" requirements.lock >$(VENV)/part-$$0 && $(PIP) install $(AS_LOCKED) -r $(VENV)/part-$$0'
	@[ -z "$(SOUND)" ] || $(PIP) install $(AS_LOCKED) -r requirements.lock
	@$(PIP) install $(AS_LOCKED) --no-build-isolation -e .
	@echo "$(CURDIR)" >$(STAMP)

again:
