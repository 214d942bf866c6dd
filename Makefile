# A thin list of commands; each line can also be typed.

.PHONY: setup test check

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
