# A thin list of commands; each is one line you can also type.

.PHONY: check test setup

# Installs what the tests need beyond Rust and Node: Chromium and the Python packages.
setup:
	@.ci/setup

test: setup
	cargo test --workspace
	npm --prefix server/console ci --ignore-scripts
	npm --prefix server/console test

check:
	cargo fmt --all --check
	cargo clippy --workspace --all-targets -- -D warnings
