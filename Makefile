# codetune: `make repro` runs the whole pipeline, `make test` the tests; both set up what they need first.
SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help
PYTHON ?=
VENV := .venv
BIN := $(VENV)/bin
OUTSIDE := $(subst $(CURDIR)/$(BIN):,,$(PATH))
PYTHON3 := $(shell PATH='$(OUTSIDE)' command -v python3)
space := $(subst x,,x x)
STAMP := $(VENV)/.installed$(if $(PYTHON),-$(subst $(space),-,$(subst /,-,$(PYTHON))))
# An environment that is incomplete, or was moved, is set up again whatever its stamp says.
ifneq ($(shell [ -x $(BIN)/python ] && cat $(VENV)/.complete 2>/dev/null),$(CURDIR)/$(VENV))
.PHONY: $(STAMP)
endif
export PATH := $(CURDIR)/$(BIN):$(OUTSIDE)
export PIP_DISABLE_PIP_VERSION_CHECK := 1
export DVC_NO_ANALYTICS := 1

.PHONY: help install repro test lint app bench screenshots verify validity answer-validity check deps docs lock clean

help: ## this list
	@grep -E '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 18

# Any Python from 3.8 on sets up the environment, which gets one that codetune runs on: PYTHON=3.12, or a path.
$(STAMP): requirements.lock requirements-cpu.lock requirements-cuda.lock pyproject.toml
	@"$(or $(PYTHON3),$(error python3 not found. Install it (Debian: apt-get install python3)))" -m scripts.setup "$(PYTHON)" "$(VENV)"
	@touch $@

install: $(STAMP) ## set up .venv from requirements.lock; does nothing when nothing changed

check: $(STAMP) ## check params.yaml, all problems at once
	@python -m codetune check

repro: check ## run the pipeline: data, training, answers, scores, export
	@[ -e data/raw ] || echo "The first run takes about a quarter of an hour on two cores, 190 MB of downloads and 5 GB of memory."
	@dvc repro
	@python -m codetune summary

test: $(STAMP) ## run the tests
	@python -m pytest

lint: $(STAMP) ## ruff and strict mypy
	@ruff check .
	@ruff format --check .
	@mypy

app: $(STAMP) ## serve the page on the loopback address
	@streamlit run streamlit_app.py

bench: $(STAMP) ## speed of the heavy parts, as ratios within one run; parts="lora data" for some
	@python -m benchmarks $(parts)

screenshots: $(STAMP) ## take the pictures of README.md and docs/ again (needs Chromium)
	@python -m scripts.screenshots

verify: check ## re-run every stage and show that what git tracks comes out byte for byte
	@./scripts/verify.sh

validity: check ## ask again whether the metrics tell working programs from broken ones (frozen otherwise)
	@./scripts/frozen.sh validity

answer-validity: check ## ask again whether the metrics tell answers that pass from answers that fail (about an hour)
	@./scripts/frozen.sh answer_validity

deps: $(STAMP) ## write the code that each stage imports into dvc.yaml
	@python -m scripts.deps

docs: $(STAMP) ## write docs/params.md from the descriptions of the parameters
	@python -m scripts.params_reference

lock: $(STAMP) ## write the requirements*.lock anew from pyproject.toml
	@python -m scripts.lock

clean: ## remove the virtual environment and caches; data and models stay
	rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache
