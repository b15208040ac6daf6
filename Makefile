# `make` alone lists the targets. Everything lives in .venv; a second run only checks that it is there.
PYTHON ?= python3
VENV := .venv
SALTWELL := $(VENV)/bin/saltwell
READY := $(VENV)/.ready

.DEFAULT_GOAL := help

help: ## List the targets
	@grep -hE '^[a-z0-9-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:[^#]*## /\t/' | expand -t 12

setup: $(READY) ## Make .venv with everything in it

$(READY): pyproject.toml
	$(PYTHON) -m venv $(VENV)
	$(VENV)/bin/pip install --quiet --upgrade pip
	$(VENV)/bin/pip install --quiet --editable '.[dev]'
	touch $@

demo: $(READY) ## Run the main job: a recording in, a finished episode out
	$(SALTWELL) demo

test: $(READY) ## Lint, check types, run the tests
	$(VENV)/bin/ruff format --check .
	$(VENV)/bin/ruff check .
	$(VENV)/bin/mypy
	$(VENV)/bin/pytest --numprocesses 2 --dist loadfile --no-loadscope-reorder

bench: $(READY) ## Measure all: station-seconds per core-second, clocks, steps, clouds, spool; figures go to build/
	$(VENV)/bin/python -m bench.run
	$(VENV)/bin/python -m bench.clock
	$(VENV)/bin/python -m bench.sync
	$(VENV)/bin/python -m bench.clouds
	$(VENV)/bin/python -m bench.content
	$(VENV)/bin/python -m bench.score_cost
	$(VENV)/bin/python -m bench.spool
	$(VENV)/bin/python -m bench.catalogue

faults: $(READY) ## Break the running pipeline in every way and compare what went in and came out; ROUNDS, SEED, BROKERS
	$(VENV)/bin/python -m bench.faults --rounds $(or $(ROUNDS),0) --seed $(or $(SEED),1) --brokers $(or $(BROKERS),1)

fuzz: $(READY) ## Give every parser 100,000 malformed inputs; figures go to build/fuzz.json
	$(VENV)/bin/python -m bench.fuzz

schemas: $(READY) ## After a schema was changed: give it a new id, write docs/asyncapi.yaml again
	$(VENV)/bin/python -m saltwell.contracts.pins
	$(VENV)/bin/python -m saltwell.contracts.asyncapi > docs/asyncapi.yaml

chart: $(READY) ## Write the chart's files that are made from Python: topics, access rules, dashboards
	$(VENV)/bin/python -m deploy.generate

e2e: $(READY) ## Run the pipeline in containers and break them; needs a Docker daemon (tests/containers/docker.sh)
	$(VENV)/bin/pytest tests/containers

sbom: $(READY) ## Write the software bill of materials to build/sbom.json (CycloneDX)
	mkdir -p build
	$(VENV)/bin/cyclonedx-py environment --pyproject pyproject.toml --output-reproducible --of JSON -o build/sbom.json $(VENV)/bin/python

audit: $(READY) ## Ask PyPI's advisories about everything in .venv; needs a network that reaches them
	$(VENV)/bin/pip-audit --strict --skip-editable

quality: $(READY) ## Measure how often verdicts are right: faults put into recordings; figures go to build/quality.json
	$(VENV)/bin/python -m bench.quality

format: $(READY) ## Format the code
	$(VENV)/bin/ruff format .
	$(VENV)/bin/ruff check --fix .

clean: ## Remove .venv and everything built
	rm -rf $(VENV) build dist *.egg-info

.PHONY: help setup demo test bench faults fuzz schemas chart e2e sbom audit quality format clean
