# One command a task; each does its own set-up. `make help` lists them.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready

.PHONY: help demo serve wheel test test-databases test-walks test-network test-fast test-native lint native bench bench-compare bench-native bench-peers soak vectors format clean
help:  ## this list
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:[^#]*## /\t/' | expand -t 16

# A virtual environment with the tested versions (constraints.txt); made again when either file changes.
$(READY): pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo 'icard needs Python 3.11 or later: make PYTHON=python3.11 ...'; exit 1; }
	@echo 'Setting up $(VENV) (once, about half a minute) ...'
	@$(PYTHON) -m venv $(VENV) || { echo 'Python has no venv module here; on Debian: apt-get install python3-venv'; exit 1; }
	@$(BIN)/pip install --quiet --disable-pip-version-check --constraint constraints.txt --editable '.[test]'
	@touch $(READY)

demo: $(READY)  ## an authority from an empty folder: issue, draw, read back, verify, tamper, revoke
	@$(BIN)/python -m tools.demo

serve: $(READY)  ## both services on demo data: the portal with demo accounts, the scan page; TLS=1 for a telephone's camera
	@$(BIN)/python -m tools.serve_demo $(if $(TLS),--tls-self-signed)

# icard works without it, on libsodium or OpenSSL. The wheel is built by pip, as anybody else's pip would build it.
native: $(READY)  ## build the optional native core and install it here; needs cargo (docs/native.md)
	@command -v cargo >/dev/null || { echo 'cargo is not installed: get Rust from https://rustup.rs, or stay without the native core'; exit 1; }
	@rm -rf native/target/wheels
	@$(BIN)/pip wheel --quiet --disable-pip-version-check --no-deps --wheel-dir native/target/wheels native/icard-native
	@$(BIN)/pip install --quiet --disable-pip-version-check --no-deps --force-reinstall native/target/wheels/icard_native-*.whl
	@$(BIN)/python -c 'from icard_crypto import native; print(native.state().words)'

wheel: $(READY)  ## the wheel to install elsewhere, into dist/
	@$(BIN)/pip wheel --quiet --disable-pip-version-check --no-deps --wheel-dir dist . && ls dist/*.whl

test: $(READY)  ## the tests; on PostgreSQL those for which the database matters
	@$(BIN)/python -m pytest -n auto -m 'not soak and not second_database and not walk and not network' --benchmark-disable tests

test-databases: $(READY)  ## the rest of the tests on PostgreSQL; CI runs them after make test
	@$(BIN)/python -m pytest -n auto -m 'second_database and not soak' --benchmark-disable tests/issuer

test-walks: $(READY)  ## the tests that walk through pages, runbooks, screens and benchmarks
	@$(BIN)/python -m pytest -n auto -m 'walk and not soak and not network' --benchmark-disable tests

test-network: $(READY)  ## the tests that install packages: wheels, engines of docs/data.md, peers, the container's steps
	@$(BIN)/python -m pytest -n auto -m 'network and not soak' --benchmark-disable tests

test-fast: $(READY)  ## the tests of pure rules, in under a minute: no database, process, server or picture
	@$(BIN)/python -m pytest -n auto --fast -m 'not soak and not slow and not network' --benchmark-disable tests

test-native: $(READY)  ## what depends on the native core: the tests of icard_crypto and verifier; CI runs them on each engine
	@$(BIN)/python -m pytest -n auto -m 'not soak and not slow and not network' --benchmark-disable tests/icard_crypto tests/verifier

# The Rust of the native core is looked at where cargo is, its crates' licences and advisories where cargo-deny is.
lint: $(READY)  ## ruff, mypy --strict, which package may import which; rustfmt and clippy where cargo is
	@$(BIN)/ruff check . && $(BIN)/ruff format --check . && $(BIN)/mypy && $(BIN)/lint-imports --no-logo
	@if command -v cargo >/dev/null; then cd native && cargo fmt --check && \
		cargo clippy --quiet --locked --release --all-targets -- -D warnings; \
		else echo 'cargo is not installed: the native core is not looked at'; fi
	@if command -v cargo-deny >/dev/null; then cd native && cargo deny --locked check; fi

format: $(READY)  ## let ruff format and mend what it can
	@$(BIN)/ruff check --fix . ; $(BIN)/ruff format .

bench: $(READY) bench-peers  ## benchmarks, ratios against peers and targets; ROUNDS=5 is shorter, KEEP=1 writes docs/benchmarks.md
	@$(BIN)/python -m benchmarks $(if $(KEEP),--keep) $(if $(ROUNDS),--rounds $(ROUNDS))
	@$(if $(KEEP),$(BIN)/python -m tools.make_docs)

bench-compare: $(READY) bench-peers  ## ratios against the kept run's; fails where one is worse than a band (BAND=0.15)
	@$(BIN)/python -m benchmarks.compare $(if $(BAND),--band $(BAND))

bench-native: $(READY)  ## what signatures cost in a native core, one by one and in batches; needs cargo
	@$(BIN)/python -m benchmarks.native

bench-peers: $(READY)  ## make the peers' environments, each of its own under .peers
	@$(BIN)/python -m benchmarks.peers

soak: $(READY)  ## the long tests at full size; result in docs/soak.md
	@$(BIN)/python -m tools.soak

vectors: $(READY)  ## make the test vectors again
	@$(BIN)/python -m tools.make_vectors

clean:  ## remove environments, caches and what make demo, serve and wheel made
	rm -rf $(VENV) .peers .mypy_cache .ruff_cache .pytest_cache .hypothesis build demo dist *.egg-info
