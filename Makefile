# What people type. `make` alone tells what there is.

PROGRAMS := $(or $(CARGO_TARGET_DIR),target)/release
ARGS ?=

.PHONY: help
help: ## Tell what there is
	@sed -n 's/^\([a-z0-9-]*\):.*## \(.*\)/  make \1\t\2/p' $(MAKEFILE_LIST) | expand -t 16

.PHONY: run
run: build ## Run the whole chat here, and open the client (ARGS="--servidores 5")
	@exec $(PROGRAMS)/papo local $(ARGS)

.PHONY: setup
setup: ## Install what building needs, or say what to install
	@scripts/setup

.PHONY: build
build: setup ## Build all programs, optimised
	cargo build --release --workspace --exclude papo-nemesis --exclude papo-simulator --bins

.PHONY: test
test: setup ## Everything that needs no container or cluster
	tests/mutants/run --check
	cargo build --workspace --bins
	cargo test --workspace
	scripts/with-local interop/run

.PHONY: lint
lint: setup ## What a change must pass besides the tests
	cargo fmt --all --check
	cargo clippy --workspace --all-targets -- -D warnings
	RUSTDOCFLAGS="-D warnings" cargo doc --workspace --no-deps --quiet
	tests/mutants/run --check

.PHONY: e2e
e2e: ## The chat on Compose and on Kubernetes, where things are broken under load (see e2e/run for what it needs)
	e2e/run

.PHONY: bench
bench: build ## Measure how fast it is on this machine
	$(PROGRAMS)/papo bench $(ARGS)

.PHONY: fuzz
fuzz: ## Spoil messages, files and histories with fresh seeds (MINUTES=10 SEED=n)
	@scripts/fuzz

.PHONY: nemesis
nemesis: build ## Kill, freeze, cut off, fill and flood the real programs (MINUTES=30 SEED=n PREVIOUS=COMMIT|DIR)
	cargo build --release -p papo-nemesis
	$(if $(PREVIOUS),previous=$$(scripts/previous-release '$(PREVIOUS)') && )$(PROGRAMS)/nemesis --minutes $(or $(MINUTES),30) $(if $(SEED),--seed $(SEED)) $(if $(PREVIOUS),--previous "$$previous") $(ARGS)

.PHONY: soak
soak: build ## Let the real programs serve for MINUTES=60, and see that nothing grows
	cargo build --release -p papo-nemesis
	$(PROGRAMS)/soak --minutes $(or $(MINUTES),60) $(ARGS)

.PHONY: mutants
mutants: ## Break the sources in one way after another: a test must notice each (MUTANTS=one,two for some)
	tests/mutants/run $(MUTANTS)

.PHONY: sim
sim: ## Simulate lives of a cluster (SEEDS=100000; SEED=n replays one; ARGS="--shrink n")
	cargo build -q --profile sim -p papo-simulator
	@$(or $(CARGO_TARGET_DIR),target)/sim/sim $(if $(SEED),--seed $(SEED)) $(if $(SEEDS),--seeds $(SEEDS)) $(ARGS)
