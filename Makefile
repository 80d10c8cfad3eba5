# codetune: `make repro` runs the whole pipeline, `make test` runs the tests. Both set up the environment first.
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
# An environment that is incomplete or was moved is set up again, even if its stamp is up to date.
ifneq ($(shell [ -x $(BIN)/python ] && cat $(VENV)/.complete 2>/dev/null),$(CURDIR)/$(VENV))
.PHONY: $(STAMP)
endif
export PATH := $(CURDIR)/$(BIN):$(OUTSIDE)
export PIP_DISABLE_PIP_VERSION_CHECK := 1
export DVC_NO_ANALYTICS := 1
# Without compiled bytecode, each process would compile torch and transformers again.
unexport PYTHONDONTWRITEBYTECODE

.PHONY: help install repro test test-quick test-long lint app serve bench screenshots verify validity answer-validity parity check deps docs lock clean

help: ## show this list
	@grep -E '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 18

# Any Python from 3.8 on can run the set-up. PYTHON (a version or a path) chooses the Python of the environment.
$(STAMP): requirements.lock requirements-cpu.lock requirements-cuda.lock pyproject.toml
	@"$(or $(PYTHON3),$(error python3 not found. Install it (Debian: apt-get install python3)))" -m scripts.setup "$(PYTHON)" "$(VENV)"
	@touch $@

install: $(STAMP) ## set up .venv from requirements.lock; does nothing if nothing has changed

check: $(STAMP) ## check params.yaml and report all problems at once
	@codetune check

repro: check ## run the pipeline: data, training, answers, scores, export
	@[ -e data/raw ] || echo "The first run takes about 15 minutes on two cores, 190 MB of downloads and 5 GB of memory."
	@dvc repro
	@codetune summary

# Half as many processes as cores, so that tests which start processes of their own do not slow each other down; at
# least two, at most eight. tests/tiers.py says which files begin; by itself xdist begins with those of most tests.
PYTEST := python -m pytest -n $(shell n=$$(( $$(nproc) / 2 )); echo $$(( n < 2 ? 2 : n > 8 ? 8 : n ))) --dist loadfile --no-loadscope-reorder

test: $(STAMP) ## run the tests
	@$(PYTEST) -m "not long"

test-quick: $(STAMP) ## run the tests that need neither browser, training, sandbox nor encoder
	@$(PYTEST) -m "not long and not slow"

test-long: $(STAMP) ## run the tests that take minutes: emulated processors, all families, `dvc repro`, fuzzing
	@CODETUNE_FUZZ_INPUTS=$${CODETUNE_FUZZ_INPUTS:-5000} $(PYTEST) -m "long or fuzz"

lint: $(STAMP) ## ruff and strict mypy
	@ruff check .
	@ruff format --check .
	@mypy

app: $(STAMP) ## serve the web page on the loopback address
	@streamlit run streamlit_app.py

serve: $(STAMP) ## answer programs on the loopback address, in the form of OpenAI's API
	@codetune serve

bench: $(STAMP) ## measure the speed of the slow parts against plain libraries; parts="lora data" runs only these
	@python -m benchmarks $(parts)

screenshots: $(STAMP) ## take the screenshots of README.md and docs/ again (needs Chromium)
	@python -m scripts.screenshots

verify: check ## run every stage again and check that every file in git is the same, byte for byte
	@./scripts/verify.sh

validity: check ## measure again whether the metrics distinguish working from broken programs (frozen)
	@./scripts/frozen.sh validity

answer-validity: check ## measure again whether the metrics distinguish passing from failing answers (frozen; an hour)
	@./scripts/frozen.sh answer_validity

parity: check ## compare again the answers of the exported GGUF files with those of torch (frozen)
	@./scripts/frozen.sh parity

deps: $(STAMP) ## write the code that each stage imports into dvc.yaml
	@python -m scripts.deps

docs: $(STAMP) ## write docs/params.md from the descriptions of the parameters
	@python -m scripts.params_reference

lock: $(STAMP) ## write requirements*.lock again from pyproject.toml
	@python -m scripts.lock

clean: ## remove the virtual environment and caches; data and models stay
	rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache
