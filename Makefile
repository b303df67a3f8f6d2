# Every task has one name. `make help` lists them.
SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help

DATA   ?= data
LISTEN ?= 127.0.0.1:8642
# Names of clients, or --one-per-protocol; none: all of them.
CLIENTS ?=
# Targets of crates/fuzzing; none: all of them.
TARGETS ?=
SECONDS_PER_TARGET ?= 60
# A folder with the public REST tests of OpenSearch: test/ and api/.
REST_TESTS ?=
# Arguments of the runner, such as --only mget.
REST_ARGUMENTS ?=
CARGO  ?= cargo

say = @printf '\n\033[1m== %s\033[0m\n' "$(1)"

.PHONY: help run dev ui test test-rust test-web test-e2e test-readers test-clients test-backends test-rest fuzz lint deny openapi bench fraud-bench faults demo-data clean tools

help: ## List the tasks
	@awk -F':.*## ' '/^[a-z-]+:.*## / { printf "  make %-10s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

tools:
	@bash scripts/check-tools.sh

run: tools ui ## Build everything and start Vigie with its demo shop
	$(call say,Building the binary (the first time takes some minutes))
	$(CARGO) build --release --bin vigie
	$(call say,Starting Vigie with its demo shop; stop it with Ctrl+C)
	@exec "$${CARGO_TARGET_DIR:-target}/release/vigie" serve --demo --data "$(DATA)" --listen "$(LISTEN)"

ui: tools ## Build the web UI into web/dist
	$(call say,Building the web UI)
	@cd web && if [ ! -d node_modules ] || [ package-lock.json -nt node_modules/.package-lock.json ]; then npm ci --no-audit --no-fund; fi
	@cd web && npm run --silent build

dev: tools ## Run the server and the UI with live reload
	@bash scripts/dev.sh "$(LISTEN)"

test: test-rust test-web test-e2e ## Run every test: Rust, web, browser

test-rust: tools
	$(call say,Rust tests)
	$(CARGO) test --workspace

test-web: ui
	$(call say,Web unit tests)
	@cd web && npm test

test-e2e: ui
	$(call say,Browser tests)
	$(CARGO) build --bin vigie
	@bash scripts/browser-tests.sh

test-readers: ## Read parts with pyarrow and DuckDB (installs both in the user's cache folder)
	$(CARGO) build --release --bin vigie
	@bash scripts/check-readers.sh

test-clients: ## Send with real clients while Vigie is killed (installs them in the user's cache folder); CLIENTS=--one-per-protocol: some
	$(CARGO) build --bin vigie
	@python3 scripts/client-tests/run.py "$${CARGO_TARGET_DIR:-target}/debug/vigie" $(CLIENTS)

fuzz: ## Run libFuzzer on every parser of outside bytes, SECONDS_PER_TARGET each; needs cargo-fuzz and a nightly toolchain
	@bash scripts/fuzz.sh "$(SECONDS_PER_TARGET)" $(TARGETS)

test-backends: ## Read of real servers while Vigie is killed; names those that are not there (VIGIE_REDIS_URL)
	$(CARGO) build --bin vigie
	@python3 scripts/backend-tests/run_redis.py "$${CARGO_TARGET_DIR:-target}/debug/vigie"

test-rest: ## Run OpenSearch's public REST tests against Vigie; REST_TESTS names a folder that holds their test/ and api/
	@if [ ! -d "$(REST_TESTS)/test" ] || [ ! -d "$(REST_TESTS)/api" ]; then echo "make test-rest: set REST_TESTS to a folder with test/ and api/, such as rest-api-spec/src/main/resources/rest-api-spec of OpenSearch's sources" >&2; exit 1; fi
	$(CARGO) build --bin vigie --bin rest-tests
	@bash scripts/rest-tests/run.sh "$${CARGO_TARGET_DIR:-target}/debug/vigie" "$${CARGO_TARGET_DIR:-target}/debug/rest-tests" "$(REST_TESTS)/test" "$(REST_TESTS)/api" $(REST_ARGUMENTS)

lint: tools ui ## Check format, lints, types and that the OpenAPI document is current
	$(call say,Format)
	$(CARGO) fmt --all --check
	$(call say,Clippy)
	$(CARGO) clippy --workspace --all-targets -- -D warnings
	$(call say,Web types)
	@cd web && npm run --silent check
	$(call say,OpenAPI document)
	@bash scripts/check-openapi.sh

deny: ## Check licences, bans and sources of all dependencies; needs cargo-deny
	$(CARGO) deny --locked check licenses bans sources

openapi: ## Write the OpenAPI document and the web types made from it
	$(CARGO) run --quiet --bin vigie -- openapi > web/src/api/openapi.json
	@cd web && npm run --silent api

bench: ## Measure; prints tables against the targets (WHAT=engine, fraud-speeds … as the head of bench/run.sh lists)
	$(CARGO) build --profile dist --bin vigie
	@bash bench/run.sh $(WHAT)

fraud-bench: ## Judge features and models on FILE, a Parquet file of labelled card payments
	@bash bench/run.sh fraud "$(FILE)"

faults: ## Kill, fill, starve and overload a running store in full size; says what held
	$(CARGO) build --release --bin vigie
	@bash bench/faults/run.sh

clean: ## Remove what was built (data is kept)
	$(CARGO) clean
	rm -rf web/dist web/node_modules
