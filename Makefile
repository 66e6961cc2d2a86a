# `make help` lists what there is.
SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help

PREFIX ?= $(or $(BELLHOP_PREFIX),bellhop)
export BELLHOP_PREFIX := $(PREFIX)

.PHONY: help build up down demo replay test test-full fuzz chaos bench deny deploy-test cost new-function schemas clean

help: ## this list
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "  make %-13s %s\n", $$1, $$2}'

build: ## the functions (release), the command line and the local DynamoDB
	@cargo build --release $$(infra/functions --packages)
	@cargo build -p bellhop -p bellhop-dynamodb

up: build ## set up, start and deploy the local cloud (or deploy to the cloud of AWS_ENDPOINT_URL)
	@localstack/cloud setup
	@localstack/cloud up
	@localstack/cloud deploy --prefix $(PREFIX) >/dev/null

down: ## stop the local cloud; leaves nothing running
	@[ ! -d localstack/.run ] || localstack/cloud down
	@for state in target/*/cloud.json; do \
	  [ ! -e "$$state" ] || BELLHOP_LOCAL_RUN="$(CURDIR)/$${state%/*}" localstack/cloud down; done # of tests that were killed

demo: up ## a season of two tenants and six properties, from post to picture
	@examples/demo.sh

replay: up ## real bookings, checked against an independent count: make replay DATA=FILE.csv
	@test -f "$(DATA)" || { echo "replay: DATA is '$(DATA)', expected a CSV file: make replay DATA=../shared/data/hotel_bookings_2015.csv" >&2; exit 2; }
	@tests/replay/replay.sh "$(DATA)"

test: ## everything that CI runs; heavy cases at a twentieth of their size
	@tests/run

test-full: ## the same at full size
	@tests/run --full

fuzz: ## look for inputs that break something, guided by coverage: make fuzz [SECONDS=600] [TARGET=feeds]; SECONDS=0: until Ctrl-C
	@tests/fuzz/run $(if $(SECONDS),--seconds "$(SECONDS)") $(if $(TARGET),--target "$(TARGET)")

chaos: ## a bad day at full size: poison, a deploy that cannot start, throttling, a broken table; every message is accounted for
	@tests/e2e/run --full incident

deploy-test: ## deploy, upgrade with events in flight, the commit before and today's in turn, a bad version taken back, remove: on a local cloud of its own
	@tests/deploy/run --commit HEAD^

cost: ## what a stack costs a month, from the templates and measured units (tests/cost/measure renews these)
	@infra/cost

deny: ## licences, sources and advisories of what we build on (fetches cargo-deny once)
	@command -v cargo-deny >/dev/null || cargo install --locked cargo-deny@0.20.2
	@cargo deny check

bench: ## the functions beside a plain one, against an AWS that costs nothing: times, calls, write units
	@cargo build --release -p bellhop-calendar
	@cargo build --release -p bellhop-bench --no-default-features --features minimal-function --bin minimal-function
	@CARGO_PROFILE_RELEASE_OPT_LEVEL=3 cargo build --release -p bellhop-bench --no-default-features --features plain-function --bin plain-function
	@cargo run --release -q -p bellhop-bench
	@echo; cargo run -q -p bellhop-bench --example channels
	@echo; cargo run -q -p bellhop-bench --example due
	@echo; cargo run -q -p bellhop-bench --example desk
	@echo; tests/console/run --bench
	@echo; tests/e2e/run --bench noise

new-function: ## lay a function: make new-function NAME=parking QUEUE=parking (a new queue, or one without a function)
	@infra/new_function "$(NAME)" "$(QUEUE)"
	@$(MAKE) --no-print-directory schemas

schemas: ## renew shared/events/schemas from the catalogue
	@UPDATE_SCHEMAS=1 cargo test -q -p bellhop-events --test schemas

clean: down ## remove what was built and set up
	@cargo clean
	@rm -rf localstack/.venv localstack/.run
