# `make run` is all it takes: it sets up and serves. Needs Python 3.12 or newer with pip; nothing is installed outside .venv.

.PHONY: help setup run demo test test-clients clients lint bench bench-redaction fuzz-api lock optional-packages
.DEFAULT_GOAL := help
SHELL := /bin/sh

BIN := .venv/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check --no-input --no-cache-dir install --quiet --require-hashes --no-deps
RUN_READY := .venv/.run-installed
DEV_READY := .venv/.dev-installed
IMPORTED := sallyport.proxy.worker, sallyport.console.server, sallyport.redaction.ner_server
# What some tests use and skip without: Debian package:command.
OPTIONAL := postgresql:initdb libnss3-tools:certutil golang-go:go nftables:nft iproute2:ip curl:curl wireguard-tools:wg wireguard-go:wireguard-go

help:
	@echo "make run      set up, and serve on 127.0.0.1:8080 (ARGS='--listen 0.0.0.0:8080' for more)"
	@echo "make demo     a tour without any provider key"
	@echo "make setup    make .venv, and nothing else"
	@echo "make test     set up, and run every check and test"
	@echo "make test-clients  install real clients (coding agents, SDKs), and test with them; in CI, make test does"
	@echo "make clients  run them all, print what works, and write it to docs/clients.md"
	@echo "make lint     the checks alone"
	@echo "make bench    measure the gateway against stock mitmdump, and what spend costs a call"
	@echo "make bench-redaction  measure what the redactor finds, leaves alone and costs"
	@echo "make fuzz-api ask the admin API thousands of things that its OpenAPI description allows, and does not"
	@echo "make lock     make the lock files anew from pyproject.toml (needs uv)"

setup: $(RUN_READY)

run: setup
	@exec $(BIN)/python run_gateway.py serve $(ARGS)

demo: setup
	@exec $(BIN)/python run_gateway.py demo $(ARGS)

test: lint optional-packages
	@if [ "$$CI" = true ]; then tests/clients/install || echo "could not install all clients; the tests of those are skipped"; fi
	$(BIN)/python -m pytest -n auto --dist loadfile $(ARGS)

test-clients: $(DEV_READY)
	tests/clients/install
	$(BIN)/python -m pytest tests/clients $(ARGS)

clients: $(DEV_READY)
	tests/clients/install
	$(BIN)/python -m tests.clients.matrix

lint: $(DEV_READY)
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/basedpyright
	$(BIN)/lint-imports

bench: $(DEV_READY)
	$(BIN)/python -m bench $(ARGS)
	$(BIN)/python -m bench.spend_cost

bench-redaction: $(DEV_READY)
	OMP_NUM_THREADS=1 $(BIN)/python -m bench.redaction $(ARGS)

fuzz-api: $(DEV_READY)
	SALLYPORT_FUZZ_EXAMPLES=200 $(BIN)/python -m pytest tests/sallyport/console/test_schemathesis.py $(ARGS)

lock:
	requirements/lock.sh

# pyenv's shims are there for versions that are not chosen too, so each candidate is asked.
$(BIN)/python:
	@for python in $(PYTHON) python3.13 python3.12 python3 python "$$HOME"/.pyenv/versions/3.1[2-9].*/bin/python; do \
	  if "$$python" -c 'import ensurepip, sys, venv; sys.exit(sys.version_info < (3, 12))' 2>/dev/null; then \
	    echo "setting up .venv with $$("$$python" --version)"; exec "$$python" -m venv --clear .venv; \
	  fi; \
	done; \
	echo "No Python 3.12 or newer with venv found. Install one (Debian and Ubuntu: apt install python3 python3-venv), or say where: make setup PYTHON=…" >&2; \
	exit 1

# The script and the path file make `sallyport` work from anywhere. The import compiles what the processes will load.
$(RUN_READY): requirements/run.lock | $(BIN)/python
	@echo "installing what requirements/run.lock names (a few minutes the first time)"
	@$(PIP) -r requirements/run.lock
	@echo "$(CURDIR)" > "$$($(BIN)/python -c 'import sysconfig; print(sysconfig.get_path("purelib"))')/sallyport.pth"
	@printf '#!%s\nfrom run_gateway import main\n\nmain()\n' "$(CURDIR)/$(BIN)/python" > $(BIN)/sallyport
	@chmod +x $(BIN)/sallyport
	@$(BIN)/python -O -c "import $(IMPORTED)"
	@touch $@

$(DEV_READY): requirements/dev.lock $(RUN_READY)
	@echo "installing what requirements/dev.lock names"
	@$(PIP) -r requirements/dev.lock
	@touch $@

optional-packages:
	@missing=""; \
	for one in $(OPTIONAL); do \
	  command -v "$${one#*:}" >/dev/null || ls /usr/lib/postgresql/*/bin/"$${one#*:}" >/dev/null 2>&1 || missing="$$missing $${one%:*}"; \
	done; \
	if [ -z "$$missing" ]; then exit 0; fi; \
	if [ "$$CI" = true ] && [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null; then \
	  { apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends $$missing; } >/dev/null 2>&1 \
	    || echo "could not install:$$missing; the tests that use them are skipped"; \
	else \
	  echo "not installed:$$missing; the tests that use them are skipped (Debian: apt install$$missing)"; \
	fi
