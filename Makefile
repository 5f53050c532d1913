# Thin: every target is one command. The work is in scripts/bootstrap and the slipway command.
SHELL := /bin/bash
.DEFAULT_GOAL := help
VENV := .venv/bin
STACK ?= sandbox
PORT ?= 8000
USERS ?= 1000
DURATION ?= 60
# A file's tests share servers of their own.
PARALLEL := --numprocesses auto --maxprocesses 4 --dist loadfile --no-loadscope-reorder

.PHONY: help up dev test coverage check down preview generate lock bench load soak install

help:  ## This page
	@awk -F ':.*## ' '/^[a-z]+:.*## / {printf "  make %-10s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

install:  ## Debian packages, the virtual environment and the slipway command
	@scripts/bootstrap

up: install  ## The service on a real Kubernetes on this machine (STACK=sandbox)
	@$(VENV)/slipway up $(STACK)

dev: install  ## The service with reload on its own PostgreSQL and Redis, without a cluster (PORT=8000)
	@$(VENV)/slipway dev --port $(PORT)

test: coverage up  ## Every test: unit, renders, and live on the running sandbox
	@scripts/bootstrap cilium
	@scripts/test $(PARALLEL)

coverage: install  ## The service's own tests; fails where they reach too little of app/
	@mkdir -p build && $(VENV)/pytest $(PARALLEL) tests/app tests/contract --cov --cov-report=json:build/coverage.json --cov-report=
	@$(VENV)/python scripts/coverage build/coverage.json

check: install  ## ruff, mypy strict, house rules, generated files without a diff
	@$(VENV)/ruff check . && $(VENV)/ruff format --check . && $(VENV)/mypy
	@$(VENV)/pytest -q tests/test_house_rules.py tests/test_generated_files.py

preview: install  ## What `make up` would change (STACK=sandbox)
	@$(VENV)/slipway preview $(STACK)

generate: install  ## Rewrite every generated and golden file
	@$(VENV)/python -m infra.render.generate && $(VENV)/python -m app.document docs/api.md
	@$(VENV)/python -m infra.policy.page docs/policy.md
	@$(VENV)/python -m tests.review.generate

lock: install  ## Rewrite requirements/*.txt from pyproject.toml
	@scripts/lock

bench: up  ## Measure: checks, middleware, a million dispatches, preview, code change to serving, memory
	@$(VENV)/python -m tests.bench.run

load: up  ## 1,000 users on the sandbox for a minute (USERS, DURATION): mean, 95th percentile, errors
	@$(VENV)/python -m tests.load.run --users $(USERS) --seconds $(DURATION)

soak: up  ## The long runs: many kills, many restarts
	@$(VENV)/pytest tests/soak tests/live -m soak --timeout 7200

down: install  ## Remove the sandbox and everything it put on this machine
	@$(VENV)/slipway down $(STACK)
