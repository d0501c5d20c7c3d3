# Plain `make` lists the targets, and says what this machine lacks. It works with GNU make 3.81 (macOS) and later.

PYTHON ?= $(shell for p in python3.12 python3.13 python3.14 python3 python; do \
	$$p -c 'import sys; sys.exit(not (3, 12) <= sys.version_info[:2] <= (3, 14))' 2>/dev/null && command -v $$p && break; done)
# Training has its own environment, as on SageMaker; torch has no small CPU build for every Python.
TRAINING_PYTHON ?= $(shell for p in python3.11 /usr/bin/python3.11 $(PYTHON); do \
	$$p -c 'import venv, ensurepip' 2>/dev/null && command -v $$p && break; done)
DATA ?= ../shared/data
TASK ?= mammography-views
TRIALS ?= 8
ARGS ?=
COUNT ?= 10000
STAGE ?= local
SHELL := bash
# GNU make 3.81 ignores this; no recipe depends on it.
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
# Tests and retrainings start many processes, which would each compile all modules again.
unexport PYTHONDONTWRITEBYTECODE

PLATFORM := $(shell uname -sm)
MISSING = $(strip $(if $(PYTHON),,Python 3.12 to 3.14 (set PYTHON to its path if it is not in PATH).) \
	$(if $(shell command -v git),,Git.))
# GNU make has it from 4.0 on; without it the outputs of parallel jobs mix.
OUTPUT_SYNC := $(if $(filter output-sync,$(.FEATURES)),--output-sync=line)

RUN := .venv/.run
DEV := .venv/.dev
TRAINING := .venv-training/.installed
RETRAINING := tests/stack/test_retraining.py
# It also ends with a retraining.
DAY := tests/browser/test_day.py
# They share a running system with the browser tests, because starting one takes long.
LOGIN_TESTS := tests/stack/test_login.py
# They take as long as all other functional tests together.
RANDOM_REQUESTS := tests/functional/test_requests_at_random.py
FUNCTIONAL := tests/functional --ignore $(RANDOM_REQUESTS)
IMAGING := tests/unit/imaging
UNIT := tests/unit --ignore $(IMAGING)
LIBRARIES := frontend/vendor/.installed
# Each writes a file that is committed, or compares it with --check. The second reads what the first writes.
GENERATORS := deploy.openapi deploy.reference deploy.hyperparameter_reference statemachine.definition statemachine.graph
# The plugin takes seconds to import, and only the random requests need it.
QUICKLY := -p no:schemathesis

.PHONY: help
help: ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "%-18s%s\n", $$1, $$2 }' Makefile
	@test -z "$(MISSING)" || echo "This machine lacks: $(MISSING)"

.PHONY: run
run: platform $(RUN) $(LIBRARIES) ## start everything on this machine: page and API on http://localhost:8000 (PORT=, EMULATOR_PORT=, LOGIN=1)
	@.venv/bin/python -m local.run

.PHONY: clean-local
clean-local: ## delete what `make run` keeps: images, results, logs
	rm -rf .local

.PHONY: check
check: $(DEV) $(TRAINING) ## formatting, lint, types, templates, generated files
	@$(MAKE) --no-print-directory --jobs=2 --keep-going $(OUTPUT_SYNC) check-training-types check-types check-style check-generated

.PHONY: check-training-types
check-training-types: $(TRAINING)
	.venv-training/bin/python -m mypy --cache-dir .mypy_cache/training training tests/training

.PHONY: check-types
check-types: $(DEV)
	.venv/bin/mypy app.py chalicelib statemachine local benchmarks deploy tests/unit tests/functional tests/fuzz tests/injection tests/soak tests/stack tests/browser

.PHONY: check-style
check-style: $(DEV)
	.venv/bin/ruff check .
	.venv/bin/ruff format --check .
	.venv/bin/cfn-lint deploy/alarms.yaml deploy/foundation.yaml statemachine/template.yaml frontend/template.yaml

.PHONY: check-generated
check-generated: $(DEV)
	@for module in $(GENERATORS); do .venv/bin/python -m $$module --check || exit 1; done

.PHONY: test
test: ## everything: checks, and unit, functional, injection, fuzz, stack, soak, browser and training tests
	@# The longest come first, so that no core is idle at the end. Four at a time take longer than three.
	@$(MAKE) --no-print-directory --jobs=3 --keep-going $(OUTPUT_SYNC) \
		test-stack test-browser test-retraining test-training test-injection test-unit test-fuzz \
		test-functional test-imaging check-training-types check-types check-style check-generated

.PHONY: environments
environments: $(DEV) $(TRAINING) $(LIBRARIES) ## install what the tests need, from the package registries only

.PHONY: test-stack
test-stack: $(DEV) $(TRAINING) $(LIBRARIES) ## stack tests, which start the whole system, and the short form of `make soak`
	.venv/bin/python -m pytest $(QUICKLY) --durations=15 tests/stack tests/soak --ignore $(RETRAINING) --ignore $(LOGIN_TESTS)

.PHONY: test-soak
test-soak: $(DEV) $(TRAINING) ## only the short form of `make soak`
	.venv/bin/python -m pytest $(QUICKLY) --durations=5 tests/soak

.PHONY: soak
soak: $(DEV) $(TRAINING) ## load the whole system, kill parts of it, and use it for hours: make soak (COUNT=10000 MINUTES=120)
	.venv/bin/python -m tests.soak --count $(COUNT) --minutes $(or $(MINUTES),120) $(ARGS)

.PHONY: test-browser
test-browser: $(DEV) $(TRAINING) $(LIBRARIES) ## browser tests, before the whole system, and those of the login
	.venv/bin/python -m pytest $(QUICKLY) --durations=5 tests/browser $(LOGIN_TESTS) --ignore $(DAY)

.PHONY: test-retraining
test-retraining: $(DEV) $(TRAINING) $(LIBRARIES) ## the longest tests: retrainings from end to end
	.venv/bin/python -m pytest $(QUICKLY) --durations=5 $(RETRAINING) $(DAY)

.PHONY: test-training
test-training: $(TRAINING) ## training tests
	.venv-training/bin/python -m pytest --durations=10 tests/training

.PHONY: test-app
test-app: $(DEV) $(LIBRARIES) ## unit and functional tests of the application, on all cores
	.venv/bin/python -m pytest $(QUICKLY) --numprocesses=auto --dist=worksteal --durations=10 $(UNIT) $(FUNCTIONAL)

.PHONY: test-unit
test-unit: $(DEV) $(LIBRARIES)
	.venv/bin/python -m pytest $(QUICKLY) --durations=10 $(UNIT)

.PHONY: test-functional
test-functional: $(DEV) $(LIBRARIES)
	.venv/bin/python -m pytest $(QUICKLY) --durations=10 $(FUNCTIONAL)

.PHONY: test-imaging
test-imaging: $(DEV) ## unit tests of reading image files
	.venv/bin/python -m pytest $(QUICKLY) --durations=10 $(IMAGING)

.PHONY: test-injection
test-injection: $(DEV) ## let every call to AWS fail in turn
	.venv/bin/python -m pytest $(QUICKLY) --durations=5 tests/injection

.PHONY: test-fuzz
test-fuzz: $(DEV) ## a bounded, repeatable run of the fuzzer of image decoding, and random requests to the API
	.venv/bin/python -m pytest --durations=5 tests/fuzz $(RANDOM_REQUESTS)

.PHONY: fuzz
fuzz: $(DEV) ## search for files that break image decoding: make fuzz MINUTES=30 (ARGS="--only dicom/")
	.venv/bin/python -m tests.fuzz --minutes $(or $(MINUTES),10) $(ARGS)

.PHONY: generate
generate: $(DEV) ## write the generated files: API description, state machine, reference pages
	@for module in $(GENERATORS); do .venv/bin/python -m $$module || exit 1; done

.PHONY: train
train: $(TRAINING) ## train a model from labelled images: make train TASK=mammography-views DATA=FOLDER ARGS="--epochs 30"
	NEGATOSCOPE_DATA=$(DATA) .venv-training/bin/python -m training.train --task $(TASK) --ood-data $(DATA) $(ARGS)

.PHONY: pretrain
pretrain: $(TRAINING) ## train one network on all tasks, for starting weights: make pretrain DATA=FOLDER
	.venv-training/bin/python -m training.pretrain --data $(DATA) $(ARGS)

.PHONY: tune
tune: $(TRAINING) ## search for better hyper-parameters: make tune TASK=mammography-views DATA=FOLDER TRIALS=8
	NEGATOSCOPE_DATA=$(DATA) .venv-training/bin/python -m training.tune --task $(TASK) --trials $(TRIALS) $(ARGS)

.PHONY: bench
bench: $(RUN) ## measure the speed of preparing, decoding and classifying
	.venv/bin/python -m benchmarks

.PHONY: deploy
deploy: $(RUN) $(LIBRARIES) ## deploy a stage to your AWS account: make deploy STAGE=prod (EMAIL=, DOMAIN=, CERTIFICATE=)
	@test "$(STAGE)" != local || { echo "Name the stage: make deploy STAGE=prod (make run starts the local one)."; exit 1; }
	.venv/bin/python -m deploy.deploy $(STAGE) $(if $(EMAIL),--alarm-email $(EMAIL)) \
		$(if $(DOMAIN),--domain $(DOMAIN)) $(if $(CERTIFICATE),--certificate $(CERTIFICATE))

.PHONY: destroy
destroy: $(RUN) ## delete a stage, but keep its images: make destroy STAGE=prod (IMAGES=delete CONFIRM=prod: images, too)
	@test "$(STAGE)" != local || { echo "Name the stage: make destroy STAGE=prod (make clean-local deletes the local one)."; exit 1; }
	.venv/bin/python -m deploy.destroy $(STAGE) $(if $(IMAGES),--images $(IMAGES)) $(if $(CONFIRM),--confirm $(CONFIRM))

.PHONY: idle
idle: $(RUN) ## delete a stage's endpoints, which cost by the hour; the Lambdas classify instead: make idle STAGE=prod
	.venv/bin/python -m deploy.endpoints idle $(STAGE)

.PHONY: wake
wake: $(RUN) ## create the endpoints again that `make idle` deleted: make wake STAGE=prod
	.venv/bin/python -m deploy.endpoints wake $(STAGE)

.PHONY: redrive
redrive: $(RUN) ## reprocess the events that Lambda gave up on: make redrive STAGE=prod
	.venv/bin/python -m deploy.redrive $(STAGE)

.PHONY: restore
restore: $(RUN) ## rebuild the results table from the documents in the bucket, and lost documents from the table: make restore STAGE=prod
	.venv/bin/python -m deploy.restore $(STAGE)

.PHONY: clean
clean: clean-local ## delete environments and caches as well
	rm -rf .venv .venv-lambda .venv-training .mypy_cache .ruff_cache .pytest_cache .hypothesis vendor frontend/vendor

.PHONY: platform
platform:
	@test "$(PLATFORM)" = "Linux x86_64" || { \
		echo "make run needs Linux on x86-64, because it runs the packages that Lambda gets; this is $(PLATFORM)."; exit 1; }

.venv/bin/python:
	@test -z "$(MISSING)" || { echo "This machine lacks: $(MISSING)"; exit 1; }
	@echo "Making .venv with $(PYTHON)"
	@$(PYTHON) -m venv .venv

$(RUN): .venv/bin/python requirements.txt local/requirements.txt .chalice/vendor.txt
	@echo "Installing the packages that run the system (once)"
	@.venv/bin/python -m pip install --quiet --disable-pip-version-check -r local/requirements.txt
	@touch $@

$(DEV): $(RUN) requirements-dev.txt
	@echo "Installing the packages that test the system (once)"
	@.venv/bin/python -m pip install --quiet --disable-pip-version-check -r requirements-dev.txt
	@touch $@

$(LIBRARIES): frontend/package.json frontend/package-lock.json frontend/.npmrc local/libraries.py | $(RUN)
	@echo "Installing the page's libraries (once)"
	@.venv/bin/python -m local.libraries
	@touch $@

$(TRAINING): training/requirements.txt training/requirements-dev.txt
	@echo "Making .venv-training with $(TRAINING_PYTHON) (once)"
	@test -x .venv-training/bin/python || $(TRAINING_PYTHON) -m venv .venv-training
	@.venv-training/bin/python -m pip install --quiet --disable-pip-version-check -r training/requirements-dev.txt
	@touch $@
