# Plain `make` lists the targets, and says what this machine lacks. It works with GNU make 3.81 (macOS) and later.

PYTHON ?= $(shell for p in python3.12 python3.13 python3.14 python3 python; do \
	$$p -c 'import sys; sys.exit(not (3, 12) <= sys.version_info[:2] <= (3, 14))' 2>/dev/null && command -v $$p && break; done)
# Training has its own environment, as on SageMaker; torch has no small CPU build for every Python.
TRAINING_PYTHON ?= $(shell for p in python3.11 /usr/bin/python3.11 $(PYTHON); do \
	$$p -c 'import venv, ensurepip' 2>/dev/null && command -v $$p && break; done)
DATA ?= $(or $(NEGATOSCOPE_DATA),../shared/data)
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

DEPLOY_OPTIONS = $(if $(EMAIL),--alarm-email $(EMAIL)) \
	$(if $(DOMAIN),--domain $(DOMAIN)) $(if $(CERTIFICATE),--certificate $(CERTIFICATE)) \
	$(if $(MFA),--mfa $(MFA)) $(if $(DECODER_VPC),--decoder-vpc $(DECODER_VPC)) $(if $(FIREWALL),--firewall $(FIREWALL)) \
	$(if $(SCHEDULE),--schedule '$(SCHEDULE)') $(if $(SCHEDULED_TASK),--scheduled-task $(SCHEDULED_TASK)) \
	$(if $(INSTANCE),--instance $(INSTANCE)) $(if $(SERVING),--serving $(SERVING)) \
	$(if $(BUDGET),--budget $(BUDGET))

# Lock files name all packages, so that pip has nothing to choose.
INSTALL := python -m pip install --quiet --disable-pip-version-check --no-deps --require-hashes -r
RUN := .venv/.run
DEPLOY := .venv/.deploy
DEV := .venv/.dev
INFRASTRUCTURE := .venv-infrastructure/.installed
BENCHMARKS := .venv-benchmarks/.tried
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
TYPESCRIPT := .venv/typescript/.installed
# Each writes a file that is committed, or compares it with --check. The second reads what the first writes.
GENERATORS := deploy.openapi deploy.reference deploy.hyperparameter_reference deploy.cost_reference deploy.licences \
	benchmarks.report benchmarks.simulation.page statemachine.batch statemachine.definition statemachine.export statemachine.graph
TEMPLATES := $(wildcard deploy/*.yaml) statemachine/template.yaml frontend/template.yaml
# The plugin takes seconds to import, and only the random requests need it.
QUICKLY := -p no:schemathesis
# How often a failed test of the whole system is run again; the report shows why. On shared machines, CI has one.
RERUNS ?= 0
SYSTEM := $(QUICKLY) --reruns $(RERUNS) --max-suite-reruns 5 --rerun-show-tracebacks

.PHONY: help
help: ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "%-18s%s\n", $$1, $$2 }' Makefile
	@test -z "$(MISSING)" || echo "This machine lacks: $(MISSING)"

.PHONY: run
run: platform $(RUN) $(LIBRARIES) ## start everything on this machine: page and API on http://localhost:8000 (PORT=, EMULATOR_PORT=, LOGIN=1)
	@.venv/bin/python -m local.run

.PHONY: clean-local
clean-local: ## delete .local: what `make run` keeps, and trained models, searches and reports
	rm -rf .local

.PHONY: check
check: $(DEV) $(TRAINING) $(LIBRARIES) $(TYPESCRIPT) ## formatting, lint, types, templates, generated files
	@$(MAKE) --no-print-directory --jobs=2 --keep-going $(OUTPUT_SYNC) check-training-types check-types check-page-types check-style check-generated

.PHONY: check-training-types
check-training-types: $(TRAINING)
	.venv-training/bin/python -m mypy --cache-dir .mypy_cache/training training tests/training benchmarks/training

.PHONY: check-types
check-types: $(DEV)
	.venv/bin/mypy --exclude '^benchmarks/training/' app.py chalicelib statemachine local benchmarks deploy tests/unit tests/functional tests/fuzz tests/injection tests/soak tests/stack tests/browser

.PHONY: check-page-types
check-page-types: $(LIBRARIES) $(TYPESCRIPT)
	PATH="$(CURDIR)/.venv/bin:$$PATH" .venv/typescript/node_modules/.bin/tsc --project tests/types

.PHONY: check-style
check-style: $(DEV)
	.venv/bin/ruff check .
	.venv/bin/ruff format --check .
	.venv/bin/cfn-lint $(TEMPLATES)

.PHONY: check-infrastructure
check-infrastructure: $(INFRASTRUCTURE) ## security of the templates, with checkov (not part of `make check`: it has 300 MB of packages)
	.venv-infrastructure/bin/checkov --quiet --compact --framework cloudformation --skip-download $(TEMPLATES:%=--file %)

.PHONY: check-generated
check-generated: $(DEV)
	@.venv/bin/python -m deploy.requirement_locks --check
	@for module in $(GENERATORS); do .venv/bin/python -m $$module --check || exit 1; done

.PHONY: test
test: ## everything: checks, and unit, functional, injection, fuzz, stack, soak, browser and training tests
	@# The longest come first, so that no core is idle at the end. Four at a time take longer than three.
	@$(MAKE) --no-print-directory --jobs=3 --keep-going $(OUTPUT_SYNC) \
		test-stack test-browser test-retraining test-training test-injection test-unit test-fuzz \
		test-functional test-imaging check-training-types check-types check-page-types check-style check-generated

.PHONY: environments
environments: $(DEV) $(TRAINING) $(LIBRARIES) $(TYPESCRIPT) ## install what the tests need, from the package registries only

.PHONY: test-stack
test-stack: $(DEV) $(TRAINING) $(LIBRARIES) ## stack tests, which start the whole system, and the short form of `make soak`
	.venv/bin/python -m pytest $(SYSTEM) --durations=15 tests/stack tests/soak --ignore $(RETRAINING) --ignore $(LOGIN_TESTS)

.PHONY: test-soak
test-soak: $(DEV) $(TRAINING) ## only the short form of `make soak`
	.venv/bin/python -m pytest $(QUICKLY) --durations=5 tests/soak

.PHONY: soak
soak: $(DEV) $(TRAINING) ## load the whole system, kill parts of it, and use it for hours: make soak (COUNT=10000 MINUTES=120)
	.venv/bin/python -m tests.soak --count $(COUNT) --minutes $(or $(MINUTES),120) $(ARGS)

.PHONY: test-browser
test-browser: $(DEV) $(TRAINING) $(LIBRARIES) ## browser tests, before the whole system, and those of the login
	.venv/bin/python -m pytest $(SYSTEM) --durations=5 tests/browser $(LOGIN_TESTS) --ignore $(DAY)

.PHONY: test-retraining
test-retraining: $(DEV) $(TRAINING) $(LIBRARIES) ## the longest tests: retrainings from end to end
	.venv/bin/python -m pytest $(SYSTEM) --durations=5 $(RETRAINING) $(DAY)

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

.PHONY: lock
lock: $(DEV) ## write the lock files of the Python packages after a change of a requirements.in: make lock (ARGS=--upgrade: newest)
	@.venv/bin/python -m deploy.requirement_locks $(ARGS)

.PHONY: sbom
sbom: $(DEV) ## write what is deployed to .local/sbom.json, a software bill of materials (CycloneDX)
	@.venv/bin/python -m deploy.sbom

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
bench: platform $(DEV) $(TRAINING) $(BENCHMARKS) ## measure speed beside that of others, and write docs/speed.md (QUICK=1: two minutes, no report)
	@.venv/bin/python -m benchmarks $(if $(QUICK),--quick) $(ARGS)

.PHONY: scale
scale: $(DEV) $(TRAINING) ## simulate 1 to 1,000 images a second, and write docs/scale.md (ARGS="--measure 10000": compare with a real run)
	@.venv/bin/python -m benchmarks.scale $(ARGS)

.PHONY: deploy
deploy: $(DEPLOY) $(LIBRARIES) ## deploy a stage to your AWS account: make deploy STAGE=prod (EMAIL=, DOMAIN=, SCHEDULE=, ...)
	@test "$(STAGE)" != local || { echo "Name the stage: make deploy STAGE=prod (make run starts the local one)."; exit 1; }
	.venv/bin/python -m deploy.deploy $(STAGE) $(DEPLOY_OPTIONS)

.PHONY: diff
diff: $(DEPLOY) $(LIBRARIES) ## show what `make deploy` with the same options would change: make diff STAGE=prod
	@.venv/bin/python -m deploy.diff $(STAGE) $(DEPLOY_OPTIONS)

.PHONY: unlock
unlock: $(RUN) ## break the lock of a deployment that died: make unlock STAGE=prod
	.venv/bin/python -m deploy.stage_lock $(STAGE)

.PHONY: destroy
destroy: $(RUN) ## delete a stage, but keep its images: make destroy STAGE=prod (IMAGES=delete CONFIRM=prod: images, too)
	@test "$(STAGE)" != local || { echo "Name the stage: make destroy STAGE=prod (make clean-local deletes the local one)."; exit 1; }
	.venv/bin/python -m deploy.destroy $(STAGE) $(if $(IMAGES),--images $(IMAGES)) $(if $(CONFIRM),--confirm $(CONFIRM))

.PHONY: preflight
preflight: $(DEPLOY) ## check account, names and quotas for `make deploy` with the same options: make preflight STAGE=prod
	@.venv/bin/python -m deploy.preflight $(STAGE) $(DEPLOY_OPTIONS)

.PHONY: cost
cost: $(RUN) ## estimate a month's costs: make cost IMAGES=100000 STORED=1000000 (TASKS=3, SERVING=embedded)
	@.venv/bin/python -m deploy.cost --images $(or $(IMAGES),0) $(if $(STORED),--stored $(STORED)) \
		$(if $(TASKS),--tasks $(TASKS)) $(if $(SERVING),--serving $(SERVING)) $(if $(REGION),--region $(REGION))

.PHONY: user
user: $(RUN) ## add a user to a stage, or to other groups: make user STAGE=prod EMAIL=you@example.org GROUP=reviewer (or GROUP=reader:TASK)
	@test "$(EMAIL)" && test "$(GROUP)" || { echo "Name the user and the group: make user STAGE=prod EMAIL=you@example.org GROUP=reader"; exit 1; }
	.venv/bin/python -m deploy.users $(STAGE) $(EMAIL) $(GROUP)

.PHONY: promote
promote: $(RUN) ## deploy a stage's model in another one: make promote FROM=test TO=prod TASK=chest-xray (FROM_PROFILE=, TO_PROFILE=, VERSION=, GATE=ignore)
	@test "$(TO)" && test "$(origin TASK)" != file || { echo "Name stages and task: make promote FROM=test TO=prod TASK=chest-xray"; exit 1; }
	.venv/bin/python -m deploy.promotion promote $(TASK) --to $(TO) $(if $(FROM),--from $(FROM)) \
		$(if $(FROM_PROFILE),--from-profile $(FROM_PROFILE)) $(if $(TO_PROFILE),--to-profile $(TO_PROFILE)) \
		$(if $(VERSION),--version $(VERSION)) $(if $(filter ignore,$(GATE)),--ignore-gate)

.PHONY: export-model
export-model: $(RUN) ## write a version of a model to a file: make export-model STAGE=test TASK=chest-xray FILE=model.tar (VERSION=)
	@test "$(FILE)" && test "$(origin TASK)" != file || { echo "Name task and file: make export-model STAGE=test TASK=chest-xray FILE=model.tar"; exit 1; }
	.venv/bin/python -m deploy.promotion export $(TASK) --from $(STAGE) --file '$(FILE)' $(if $(VERSION),--version $(VERSION))

.PHONY: import-model
import-model: $(RUN) ## register the version in a file, without deploying it: make import-model STAGE=prod FILE=model.tar
	@test "$(FILE)" || { echo "Name the file: make import-model STAGE=prod FILE=model.tar"; exit 1; }
	.venv/bin/python -m deploy.promotion import --to $(STAGE) --file '$(FILE)'

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

.PHONY: shard-lists
shard-lists: $(RUN) ## spread a stage's lists over several partitions before a rush of images: make shard-lists STAGE=prod (DAYS=7)
	.venv/bin/python -m deploy.sharding $(STAGE) $(if $(DAYS),--days $(DAYS))

.PHONY: unshard-lists
unshard-lists: $(RUN) ## gather a stage's lists again: make unshard-lists STAGE=prod (RATE=400)
	.venv/bin/python -m deploy.sharding $(STAGE) --undo $(if $(RATE),--rate $(RATE))

.PHONY: clean
clean: clean-local ## delete environments and caches as well
	rm -rf .venv .venv-benchmarks .venv-infrastructure .venv-lambda .venv-training .mypy_cache .ruff_cache .pytest_cache .hypothesis vendor frontend/vendor

.PHONY: platform
platform:
	@test "$(PLATFORM)" = "Linux x86_64" || { \
		echo "make run needs Linux on x86-64, because it runs the packages that Lambda gets; this is $(PLATFORM)."; exit 1; }

.venv/bin/python:
	@test -z "$(MISSING)" || { echo "This machine lacks: $(MISSING)"; exit 1; }
	@echo "Making .venv with $(PYTHON)"
	@$(PYTHON) -m venv .venv
	@.venv/bin/$(INSTALL) local/pip.txt

$(RUN): .venv/bin/python local/requirements.txt
	@echo "Installing the packages that run the system (once)"
	@.venv/bin/$(INSTALL) local/requirements.txt
	@touch $@

$(DEPLOY): $(RUN) deploy/requirements.txt
	@echo "Installing what deploying to AWS needs (once)"
	@.venv/bin/$(INSTALL) deploy/requirements.txt
	@touch $@

$(DEV): $(RUN) tests/requirements.txt deploy/requirements.txt
	@echo "Installing the packages that test the system (once)"
	@.venv/bin/$(INSTALL) tests/requirements.txt
	@.venv/bin/$(INSTALL) deploy/requirements.txt
	@touch $@

$(INFRASTRUCTURE): tests/infrastructure.txt .venv/bin/python
	@echo "Making .venv-infrastructure (once)"
	@test -x .venv-infrastructure/bin/python || $(PYTHON) -m venv .venv-infrastructure
	@.venv-infrastructure/bin/$(INSTALL) tests/infrastructure.txt
	@touch $@

# What has no package for this Python or this machine is missing in the report, which says so.
$(BENCHMARKS): benchmarks/requirements.txt .venv/bin/python
	@echo "Making .venv-benchmarks, with what speed is compared with (once, some minutes)"
	@test -x .venv-benchmarks/bin/python || $(PYTHON) -m venv .venv-benchmarks
	@.venv-benchmarks/bin/$(INSTALL) benchmarks/requirements.txt || echo "Some packages could not be installed."
	@touch $@

$(LIBRARIES): frontend/package.json frontend/package-lock.json frontend/.npmrc local/libraries.py | $(RUN)
	@echo "Installing the page's libraries (once)"
	@.venv/bin/python -m local.libraries
	@touch $@

$(TYPESCRIPT): tests/types/package.json tests/types/package-lock.json frontend/.npmrc | $(RUN)
	@echo "Installing TypeScript, which checks the types of the page (once)"
	@mkdir -p $(@D)
	@cp $^ $(@D)
	@cd $(@D) && PATH="$(CURDIR)/.venv/bin:$$PATH" npm ci --loglevel=error > /dev/null
	@touch $@

$(TRAINING): training/requirements-dev.txt training/torch.txt training/torch-cpu.txt
	@echo "Making .venv-training with $(TRAINING_PYTHON) (once)"
	@test -x .venv-training/bin/python || $(TRAINING_PYTHON) -m venv .venv-training
	@.venv-training/bin/$(INSTALL) training/requirements-dev.txt
	@.venv-training/bin/$(INSTALL) training/torch-cpu.txt 2> /dev/null || .venv-training/bin/$(INSTALL) training/torch.txt
	@touch $@
