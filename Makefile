# Two commands do everything: `make run` and `make test`. Both install what is missing.

WASM_BINDGEN := $(shell sed -n 's/^wasm-bindgen = "=\(.*\)"/\1/p' Cargo.toml)
TOOLS := target/tools
BINDGEN := $(TOOLS)/bin/wasm-bindgen
PKG := target/site/pkg
WASM := target/wasm32-unknown-unknown/wasm-release/candor.wasm
ISLANDS := $(PKG)/candor.js

.PHONY: run test build check unit e2e bench islands clean

## Builds, starts on http://127.0.0.1:3000 with a sample page, prints a one-time link for the first owner
run: islands
	cargo build
	@target/debug/candor sample --if-empty
	@target/debug/candor serve

## Everything CI runs: format, lints, unit and integration tests on both databases, a real browser
test: check unit e2e

## Format and lints
check: islands
	cargo fmt --check
	cargo clippy --all-targets -- -D warnings
	cargo clippy --lib --target wasm32-unknown-unknown --no-default-features --features hydrate -- -D warnings

## Unit and integration tests, on SQLite and PostgreSQL
unit: islands
	CANDOR_REQUIRE_POSTGRES=$(CI) cargo test

## What visitors and managers do, in Chromium, with JavaScript and without
e2e: islands end2end/node_modules
	cargo build
	cd end2end && npx playwright test

## One release binary with everything inside: target/release/candor
build: islands
	cargo build --release

## The islands: the only code that reaches a browser as WebAssembly
islands: $(ISLANDS)

$(ISLANDS): $(WASM) $(BINDGEN)
	$(BINDGEN) --target web --no-typescript --out-dir $(PKG) $(WASM)
	@if command -v wasm-opt >/dev/null; then \
	  wasm-opt -Oz --all-features $(PKG)/candor_bg.wasm -o $(PKG)/candor_bg.wasm; \
	else echo "wasm-opt is absent: the islands work, but are about twice as large"; fi
