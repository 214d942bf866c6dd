# A thin list of commands; each line can also be typed.

.PHONY: setup test check fuzz bench

# What the tests need beyond Rust and Node: Chromium, and the console's packages.
setup:
	.ci/setup
	npm --prefix server/console ci --ignore-scripts --no-audit --no-fund

# Every test: Rust, the console's logic, and the console in a real browser.
test: setup
	cargo test --workspace
	npm --prefix server/console test
	npm --prefix server/console run e2e

check:
	cargo fmt --all --check
	cargo clippy --workspace --all-targets -- -D warnings

# Every fuzz target for half a minute; `.ci/fuzz 600 parser` for one of them and longer.
fuzz:
	.ci/fuzz 30

# Queries beside their questions; benches/README.md says what else can be measured.
bench:
	cargo bench -p foothold-benches --bench query
