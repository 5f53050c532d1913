# Thin: every target is one command. The work is in scripts/bootstrap and the slipway command.
SHELL := /bin/bash
.DEFAULT_GOAL := help
VENV := .venv/bin
STACK ?= sandbox

.PHONY: help up test check down preview generate lock bench soak install

help:  ## This page
	@awk -F ':.*## ' '/^[a-z]+:.*## / {printf "  make %-10s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

install:  ## Debian packages, the virtual environment and the slipway command
	@scripts/bootstrap

up: install  ## The service on a real Kubernetes on this machine (STACK=sandbox)
	@$(VENV)/slipway up $(STACK)

test: up  ## Every test: unit, renders, and live on the running sandbox
	@$(VENV)/pytest

check: install  ## ruff, mypy strict, house rules, generated files without a diff
	@$(VENV)/ruff check . && $(VENV)/ruff format --check . && $(VENV)/mypy
	@$(VENV)/pytest -q tests/test_house_rules.py tests/test_generated_files.py

preview: install  ## What `make up` would change (STACK=sandbox)
	@$(VENV)/slipway preview $(STACK)

generate: install  ## Rewrite every generated and golden file
	@$(VENV)/python -m infra.render.generate

lock: install  ## Rewrite requirements/*.txt from pyproject.toml
	@scripts/lock

bench: up  ## Measure: warm up, preview, code change to serving, memory
	@$(VENV)/python -m tests.bench.run

soak: up  ## The long runs: many kills, many restarts
	@$(VENV)/pytest tests/soak -m soak

down: install  ## Remove the sandbox and everything it put on this machine
	@$(VENV)/slipway down $(STACK)
