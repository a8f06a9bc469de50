# `make run` and `make test` install missing tools.

BINARYEN_VERSION := 132.0.0
TOOLS := $(CURDIR)/target/tools
BINDGEN := $(TOOLS)/wasm-bindgen/debug/wasm-bindgen-web
WASM_OPT := $(TOOLS)/node_modules/.bin/wasm-opt
# The features that rustc enables by default; all current browsers support them.
WASM_FEATURES := --enable-bulk-memory --enable-bulk-memory-opt --enable-call-indirect-overlong --enable-multivalue \
	--enable-mutable-globals --enable-nontrapping-float-to-int --enable-reference-types --enable-sign-ext
PKG := target/site/pkg
WASM := target/wasm32-unknown-unknown/wasm-release/candor_islands.wasm
BROWSER_SOURCES := Cargo.toml Cargo.lock src/lib.rs \
	$(shell find crates/islands src/domain src/format src/islands -name '*.rs' -o -name Cargo.toml)

# The program as tests use it. Their dependencies enable features of shared crates, so `cargo build` would build most of
# it a second time.
BUILD_FOR_TESTS = cargo build --bin candor --test architecture

# What `make static` and `make packages` build for.
ARCHITECTURES ?= $(shell uname -m)
# No path of this machine goes into the program.
CARGO_HOME ?= $(HOME)/.cargo
remap = "--remap-path-prefix=$(1)=$(2)"

.DEFAULT_GOAL := help
.PHONY: help run test test-dates check check-server check-islands check-licences build-tests unit faults ha pgbouncer e2e \
	look lighthouse advisories fuzz bench bench-scale bench-notify build islands static packages image test-packages

PGBOUNCER = db_components db_incidents db_maintenances db_managers db_notices db_page db_sessions deliveries \
	maintenance_steps multi_node notices web_incidents web_login web_maintenances web_v1_events worker

help: ## Lists the commands
	@sed -n 's/^\([a-z0-9-]*\):.*## \(.*\)/  make \1\t\2/p' Makefile | expand -t 20

# A debug build reads the islands when it runs, so both are built at once; the longer build goes first.
run: ## Starts on http://127.0.0.1:3000 with a sample page; prints a link for the first owner
	@nice $(MAKE) --no-print-directory islands & cargo build && wait $$!
	@test -e data/candor.db || target/debug/candor sample
	@target/debug/candor serve

# The islands, their lints and cargo-deny have build folders of their own: they are built beside the server and its tests.
test: ## Runs everything that CI runs: check, unit, faults, e2e
	@$(MAKE) --no-print-directory check-islands check-licences & \
	  $(MAKE) --no-print-directory check-server build-tests && wait $$!
	@$(MAKE) --no-print-directory unit faults e2e

test-dates: islands end2end/node_modules ## Runs date-dependent tests at midnight, month ends, leap days … (DATES="noon leap-day")
	.ci/tools postgres
	.ci/tools browser
	.ci/tools text
	.ci/tools clients
	$(BUILD_FOR_TESTS)
	.ci/dates run $(DATES)

check: check-server check-islands check-licences ## Checks format, lints, and licences and sources of dependencies

check-server:
	cargo fmt --all --check
	cargo clippy --workspace --all-targets --test faults -- -D warnings

# With the profile of the islands, whose macros and build scripts are built already.
check-islands: islands
	cargo clippy --package candor-islands --target wasm32-unknown-unknown --profile wasm-release -- -D warnings

check-licences:
	.ci/tools deny
	$(TOOLS)/bin/cargo-deny --config .ci/deny.toml check bans licenses sources

build-tests:
	cargo test --workspace --no-run

unit: islands ## Runs unit and integration tests on SQLite and PostgreSQL
	.ci/tools postgres
	.ci/tools webhooks
	.ci/tools mail
	.ci/tools acme
	.ci/rust-tests unit --workspace
	.ci/dates rust-today

faults: islands ## Runs fault injection: full disks, failing system calls, clock jumps, kill -9; needs root
	.ci/tools postgres
	.ci/tools faults
	RUST_BACKTRACE=0 cargo test --test faults -- --test-threads=2

# The binary is target/debug/candor, or CANDOR_BINARY.
ha: islands ## Tests several nodes on PostgreSQL: failover, silent networks, leases, clocks, PgBouncer, upgrades; needs root
	.ci/tools postgres
	.ci/tools ha
	$(if $(CANDOR_BINARY),,$(BUILD_FOR_TESTS))
	tests/ha/run $(PARTS)

# Modules whose tests use no sessions of their own.
pgbouncer: islands ## Runs integration tests on PostgreSQL through PgBouncer in transaction mode
	.ci/tools postgres
	.ci/tools ha
	CANDOR_TEST_PGBOUNCER=1 cargo test --test it -- $(addsuffix ::,$(PGBOUNCER)) --skip sqlite

e2e: islands end2end/node_modules ## Runs browser tests in Chromium, with and without JavaScript, and API clients
	.ci/tools browser
	.ci/tools text
	.ci/tools clients
	$(BUILD_FOR_TESTS)
	cd end2end && CANDOR_TEST_NOW=$${CANDOR_TEST_NOW:-$$(../.ci/dates today)} npx playwright test

look: islands end2end/node_modules ## Takes screenshots of every page into docs/look
	.ci/tools browser
	$(BUILD_FOR_TESTS)
	cd end2end && npm run look

lighthouse: islands end2end/node_modules ## Prints the Lighthouse scores of the public pages on a slow phone
	.ci/tools browser
	.ci/tools lighthouse
	$(BUILD_FOR_TESTS)
	cd end2end && npx playwright test --config lighthouse.config.ts

advisories: ## Checks dependencies for known vulnerabilities in the RustSec database; needs internet
	.ci/tools deny
	$(TOOLS)/bin/cargo-deny --config .ci/deny.toml check advisories

fuzz: ## Fuzzes each target for 10 minutes (FUZZ_SECONDS=60 for one); stops at the first finding
	.ci/tools fuzz
	for target in markdown documents query totp; do \
	  $(TOOLS)/bin/cargo-fuzz fuzz run --fuzz-dir tests/fuzz --sanitizer none $$target -- \
	    -max_total_time=$(or $(FUZZ_SECONDS),600) || exit 1; \
	done

bench: islands ## Benchmarks requests against a TCP loop, an axum handler and nginx; prints a report
	@.ci/tools bench >&2
	cargo build --release --manifest-path benches/baseline/Cargo.toml --target-dir target/baseline
	cargo bench --bench bench -- reading $(BENCH)

bench-scale: islands ## Benchmarks a long history, event streams and publishing under load, on both databases
	@.ci/tools bench >&2
	@.ci/tools postgres >&2
	cargo bench --bench bench -- scale $(BENCH)

bench-notify: islands ## Benchmarks messages to 50,000 subscribers and 10,000 webhooks, on both databases
	@.ci/tools postgres >&2
	cargo bench --bench bench -- notify $(BENCH)

build: islands ## Builds the self-contained release binary: target/release/candor
	cargo build --release

# Statically linked with musl: runs on every Linux of its architecture.
static: islands ## Builds the static binary (ARCHITECTURES="x86_64 aarch64" for both)
	.ci/tools static
	for architecture in $(ARCHITECTURES); do .ci/static $$architecture || exit 1; done

packages: static ## Builds the Debian package, the container image, the archive and the bill of materials: target/packages
	.ci/tools packages
	for architecture in $(ARCHITECTURES); do \
	  for part in texts sbom deb image archive; do \
	    CANDOR_BINARY=target/$$architecture-unknown-linux-musl/release/candor packaging/build $$part || exit 1; \
	  done; \
	done

image: $(if $(CANDOR_BINARY),,static) ## Builds the container image without a container engine (CANDOR_BINARY=… for another binary)
	.ci/tools packages
	packaging/build sbom
	packaging/build image

test-packages: ## Tests what `make packages` built, and the other files of packaging; needs root
	.ci/tools packages
	.ci/tools test-packages
	packaging/test

islands: $(PKG)/candor.js ## Builds the islands (WebAssembly)

# wasm-opt halves the size of the islands; without npm they are larger and work too.
$(PKG)/candor.js: $(WASM) | $(BINDGEN) $(WASM_OPT)
	$(BINDGEN) $(WASM) $(PKG)
	@if test -x $(WASM_OPT); then $(WASM_OPT) -Oz $(WASM_FEATURES) $(PKG)/candor_bg.wasm -o $(PKG)/candor_bg.wasm; fi

$(WASM): $(BROWSER_SOURCES)
	.ci/tools wasm
	cargo build --package candor-islands --target wasm32-unknown-unknown --profile wasm-release \
	  --config 'target.wasm32-unknown-unknown.rustflags=["--cfg","erase_components",$(call remap,$(CURDIR),/candor),$(call remap,$(CARGO_HOME),/cargo)]'
	@touch $@

$(BINDGEN): $(wildcard .ci/wasm-bindgen/Cargo.* .ci/wasm-bindgen/src/*)
	cargo build --manifest-path .ci/wasm-bindgen/Cargo.toml --target-dir $(TOOLS)/wasm-bindgen

$(WASM_OPT):
	@command -v npm >/dev/null || .ci/tools node || true
	@npm install --silent --no-audit --no-fund --prefix $(TOOLS) binaryen@$(BINARYEN_VERSION) || echo "npm is absent: the islands stay larger"

end2end/node_modules: end2end/package.json end2end/package-lock.json
	.ci/tools node
	cd end2end && PLAYWRIGHT_SKIP_BROWSER_DOWNLOAD=1 npm ci
	@touch $@
