# Touchstone. `make serve` and `make test` are all that a new checkout needs.

PYTHON ?= python3
VENV := .venv
RUN := $(VENV)/bin
DEV := $(VENV)/.dev
FUZZ := $(VENV)/fuzz/.ready
APP := $(VENV)/.app
SLOW_CRASHES ?= 20
PEERS := var/peers

.PHONY: serve test test-slow soak fuzz-tools lint format bench lock schema authorization clean postgres softhsm clients stores

serve: $(APP)
	@exec $(RUN)/touchstone serve --init-sample

# One more than there are processors, as many tests wait for something; four at most.
TEST_PROCESSES = $(shell n=$$(nproc); echo $$((n < 3 ? n + 1 : 4)))

# Whatever the machine says: what was compiled is kept, as the tests start hundreds of processes.
test test-slow: export PYTHONDONTWRITEBYTECODE =

# Files in the order of their names: the last are short, so that all processes end at about the same time.
test: $(DEV) postgres softhsm
	$(RUN)/python -m pytest -m "not slow" -n $(TEST_PROCESSES) --dist loadfile --no-loadscope-reorder

test-slow: $(DEV) $(FUZZ) postgres softhsm clients stores
	TOUCHSTONE_CRASHES=$(SLOW_CRASHES) $(RUN)/python -m pytest -m slow -s

# A million hostile inputs: no wrong answer, no hang, no growth of memory. The seed is printed; set it to repeat.
SOAK_CASES ?= 1000000
SOAK_SEED ?= $(shell date +%s)
SOAK_HISTORIES ?= 2000
soak: $(DEV) postgres
	$(RUN)/python -m tests.fuzz --cases $(SOAK_CASES) --seed $(SOAK_SEED)
	TOUCHSTONE_FUZZ_CREDENTIALS=100000 TOUCHSTONE_FUZZ_SEED=$(SOAK_SEED) $(RUN)/python -m pytest -q -s tests/slow/test_hostile_credentials.py
	TOUCHSTONE_HISTORIES=$(SOAK_HISTORIES) TOUCHSTONE_SEED=$(SOAK_SEED) $(RUN)/python -m pytest -q tests/registry/test_as_of.py
	TOUCHSTONE_REGISTRY_EDITS=1000 TOUCHSTONE_REGISTRY_CRASHES=20 $(RUN)/python -m pytest -s tests/slow/test_registry_crash.py

lint: $(DEV)
	$(RUN)/ruff check .
	$(RUN)/ruff format --check .
	$(RUN)/mypy
	$(RUN)/lint-imports --no-logo
	$(RUN)/python -m tests.server.authorization --check

format: $(DEV)
	$(RUN)/ruff check --fix .
	$(RUN)/ruff format .

bench: $(DEV) postgres
	$(RUN)/python -m benchmarks

# Beside others' resolvers, at pinned versions, in a folder that may be thrown away.
bench-peers: $(DEV)
	@sh tools/peers.sh $(PEERS) $(RUN)/python
	$(RUN)/python -m benchmarks.peers

# The JSON Schema of the registry file, generated from the Structs that read it.
schema: $(DEV)
	$(RUN)/python -m registry.exports.schema > registry/registry.schema.json

# Who may do what, generated from what the operators' routes declare.
authorization: $(DEV)
	$(RUN)/python -m tests.server.authorization --write

# schemathesis and atheris, in an environment of their own: they bring a plug-in for pytest, and other versions.
fuzz-tools: $(FUZZ)

# Resolve the dependencies anew. Needs uv; the locks name no index.
lock:
	sh tools/lock.sh

# The tests' second engine; where it cannot be had they skip aloud.
postgres:
	@sh tools/postgres.sh

# A PKCS#11 token in software; where it cannot be had the tests of keys in a token skip aloud.
softhsm:
	@sh tools/softhsm.sh

# Resolver clients and an identity provider of others, for the slow tests; where they cannot be had these skip aloud.
clients:
	@sh tools/clients.sh

# Where lists are published to, for the slow tests: an object store and a file server; where they cannot be had these skip aloud.
stores:
	@sh tools/stores.sh $(PYTHON)

clean:
	rm -rf $(VENV) var dist .mypy_cache .ruff_cache .pytest_cache .hypothesis

$(VENV)/bin/pip:
	@sh tools/venv.sh $(PYTHON) $(VENV)

$(APP): requirements.lock requirements-build.lock pyproject.toml | $(VENV)/bin/pip
	@sh tools/install.sh $(VENV) requirements.lock requirements-build.lock
	@touch $@

$(DEV): requirements-dev.lock requirements-build.lock pyproject.toml | $(VENV)/bin/pip
	@sh tools/install.sh $(VENV) requirements-dev.lock requirements-build.lock
	@touch $@ $(APP)

$(FUZZ): requirements-fuzz.lock requirements-build.lock pyproject.toml | $(VENV)/bin/pip
	@test -x $(VENV)/fuzz/bin/pip || sh tools/venv.sh $(PYTHON) $(VENV)/fuzz
	@sh tools/install.sh $(VENV)/fuzz requirements-fuzz.lock requirements-build.lock
	@touch $@
