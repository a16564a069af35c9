# hostkeeper: `make` lists what can be done. One build profile (release) serves every target.

CARGO ?= cargo
PROFILE := --release
RUN_DIR ?= target/run

.DEFAULT_GOAL := help
.PHONY: help build run demo-clean check fmt lint unit test machine bench fuzz deb deny docs clean

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-12s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

build: ## build the program: target/release/hostkeeper
	$(CARGO) build $(PROFILE) --locked

run: build ## start agent and page in the foreground on the demonstration configuration (no root, no Docker needed)
	@etc/demo/run "$(RUN_DIR)"

demo-clean: ## remove what `make run` made
	rm -rf "$(RUN_DIR)"

check: fmt lint unit ## the fast loop: format, lints, unit and scenario tests, house rules

fmt:
	$(CARGO) fmt --check

lint:
	$(CARGO) clippy $(PROFILE) --locked --all-targets --quiet -- -D warnings

unit:
	tests/bin/run-tests fast

test: ## everything CI runs: installs missing test servers when root, builds, runs every tier, counts
	tests/bin/install-needs
	$(MAKE) --no-print-directory fmt lint
	tests/bin/run-tests all

machine: ## scenarios in a whole Debian 12 with systemd, Docker and bcache (QEMU, no KVM); one: make machine CASE=reboot
	tests/bin/install-needs
	HOSTKEEPER_DEB=$$(packaging/build) tests/machine/run $(CASE)

bench: build ## cost and speed beside node_exporter in one run, as ratios
	tests/bin/bench

fuzz: ## every fuzz target for a minute each
	tests/bin/fuzz 60

deb: ## the Debian package: target/package/hostkeeper_*.deb
	packaging/build

deny: ## licences, duplicate and wildcard dependencies
	tests/bin/deny

docs: ## write the generated references (docs/cli.md, docs/configuration.md) again
	UPDATE=1 tests/bin/run-tests references

clean: ## remove everything built
	$(CARGO) clean
