# Targets for contributors. `make` lists them.

VERSION  ?= $(shell git describe --tags --always --dirty 2>/dev/null || echo dev)
FUZZTIME ?= 10s
BENCH    ?= .
PKG      ?= ./...

# SHORT=1 gives the fault tests fewer rounds.
short := $(if $(SHORT),-short)

# The tools have a separate module, to keep their dependencies out of the main one.
tool := go tool -modfile=tools/go.mod

# Starts one PostgreSQL for all test processes of a command.
withpostgres := go run ./internal/store/storetest/withpostgres

.DEFAULT_GOAL := help
.PHONY: help
help: ## list the targets
	@awk -F ':.*## ' '/^[a-z0-9]+:.*## / { printf "  make %-11s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

# Tests allocate much and keep little, so the collector runs less often.
.PHONY: test
test: ## all tests, on SQLite and PostgreSQL (PKG=./internal/oauth2/... for some packages)
	@tools/need postgresql pgbouncer
	$(withpostgres) go test -timeout 10m -exec 'env GOGC=400' $(PKG)
	$(if $(filter ./...,$(PKG)),go -C tools test ./...)

.PHONY: race
race: ## all tests with the race detector (needs a C compiler)
	@tools/need postgresql pgbouncer
	CGO_ENABLED=1 $(withpostgres) go test -race $(PKG)

.PHONY: lint
lint: ## linters, format, dependency rules, size of types, words, tidy go.mod, no skipped tests
	$(tool) golangci-lint run ./...
	cd tools && go tool golangci-lint run --config ../.golangci.yml ./...
	go mod tidy -diff
	go -C tools mod tidy -diff
	@tools/noskip
	@tools/nolint
	go -C tools run ./shape ..
	go -C tools run ./prose -over

.PHONY: prose
prose: ## count archaic words and constructions by package (go -C tools run ./prose -list for the places)
	go -C tools run ./prose

.PHONY: fmt
fmt: ## format the code as lint requires
	$(tool) golangci-lint fmt ./...
	cd tools && go tool golangci-lint fmt --config ../.golangci.yml ./...

.PHONY: vuln
vuln: ## find known vulnerabilities that the code reaches (needs https://vuln.go.dev)
	$(tool) govulncheck ./...

.PHONY: build
build: ## build the static binary bin/ostiary
	CGO_ENABLED=0 go build -trimpath -ldflags '-s -w -X main.version=$(VERSION)' -o bin/ostiary ./cmd/server

.PHONY: e2e
e2e: ## end-to-end tests with real browsers, clients and proxies
	@tools/need postgresql chromium exim4-daemon-light npm python3-venv maven default-jdk-headless nginx haproxy caddy
	$(withpostgres) go test -tags e2e -count 1 -v -timeout 20m ./test/e2e/... ./test/clients/... ./test/proxy/...

.PHONY: images
images: ## pictures of the account pages and of the console in docs/images
	@tools/need chromium
	OSTIARY_E2E_IMAGES=$(abspath docs/images) go test -tags e2e -count 1 -run 'TestImagesOfTheDocs|TestPicturesOfTheConsole' ./test/e2e

.PHONY: fault
fault: ## fault injection: kill -9 and database outages under load (SHORT=1 for fewer rounds)
	@tools/need postgresql pgbouncer
	$(withpostgres) go test -tags fault -count 1 -v -timeout 30m $(short) ./test/fault/...

.PHONY: conformance
conformance: ## run the OpenID Foundation's suite, which must be started before: docs/conformance.md (PLANS='hybrid,fapi2.*dpop', ENGINE=sqlite)
	@tools/need postgresql pgbouncer
	$(withpostgres) go test -tags conformance -count 1 -v -timeout 24h -parallel $(or $(PARALLEL),6) -run 'TestPlans/$(ENGINE)' ./test/conformance/ -update -plans '$(PLANS)' $(if $(FRESH),-fresh)

.PHONY: bench
bench: ## load tests of the server, all flows (ENGINE=sqlite, FLOWS=refresh,userinfo; go run ./bench --help for more)
	@tools/need postgresql pgbouncer
	go run ./bench run --engine $(or $(ENGINE),postgres) --flows '$(FLOWS)'

.PHONY: timing
timing: ## compare response times for known and unknown names, on both engines (ENGINE=sqlite for one; about 15 minutes)
	@tools/need postgresql
	$(foreach engine,$(or $(ENGINE),sqlite postgres),go run ./bench timing --engine $(engine) &&) true

.PHONY: gobench
gobench: ## Go benchmarks with allocations (BENCH=Token for some)
	@tools/need postgresql pgbouncer
	$(withpostgres) go test -run '^$$' -bench '$(BENCH)' -benchmem $(PKG)

.PHONY: plots
plots: ## figures and tables of docs/performance.md from results of bench/ (RESULTS='a.jsonl b.jsonl')
	go -C tools run ./plot --images ../docs/images --doc ../docs/performance.md $(abspath $(RESULTS))

.PHONY: fuzz
fuzz: ## run each fuzz target for FUZZTIME (10s)
	@tools/fuzz $(FUZZTIME) $(PKG)

.PHONY: cover
cover: ## coverage by function and in total
	@tools/need postgresql pgbouncer
	$(withpostgres) go test -coverprofile cover.out -coverpkg ./cmd/...,./internal/... ./...
	go tool cover -func cover.out

.PHONY: clean
clean: ## remove generated files
	rm -rf bin cover.out test/e2e/screenshots
