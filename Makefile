# The targets of this project. `make help` names them.

GO      ?= go
BIN     := bin
VERSION := $(shell git describe --always --dirty 2>/dev/null || echo unknown)
LDFLAGS := -s -w -X midonet.org/midonet/run.Version=$(VERSION)
# The compiler is told where time goes, for which it compiles everything anew; PGO=off: it is not. The file has not the name that would have tests and
# tools do so as well.
PGO     := cmd/midonet/midonet.pgo

# What the tests need from Debian: the real openstack client, real DHCP clients, ping, tools to look at packets, and servers of
# databases, etcd and ZooKeeper, which the tests start for themselves. The compiler for eBPF and protoc are for `make generate` and for the test that the
# committed objects are the source's.
TEST_PACKAGES := iproute2 iputils-ping iputils-arping udhcpc isc-dhcp-client tcpdump ethtool procps \
                 python3-openstackclient keystone systemd libcap2-bin clang llvm libbpf-dev mariadb-server \
                 etcd-server zookeeper
# For `make conformance` alone: OpenStack's own acceptance tests, and its compute service with what that needs. Package nova-compute brings libvirt
# and QEMU, of which nothing is used: its program is in python3-nova.
CONFORMANCE_PACKAGES := tempest python3-tempest \
                        nova-common nova-conductor nova-scheduler placement-common glance-common rabbitmq-server python3-glanceclient
BENCH_PACKAGES := iproute2 iputils-ping iperf3 ethtool procps nftables openvswitch-switch neutron-server python3-pymysql mariadb-server etcd-server

.DEFAULT_GOAL := help

.PHONY: help
help: ## name the targets
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sort | awk -F ':.*## ' '{printf "  make %-14s %s\n", $$1, $$2}'

.PHONY: build
build: ## build bin/midonet, which is midonet-db-manage as well, and bin/mm-ctl
	@mkdir -p $(BIN)
	CGO_ENABLED=0 $(GO) build -pgo=$(PGO) -buildvcs=false -trimpath -ldflags '$(LDFLAGS)' -o $(BIN)/ ./cmd/...
	ln -sf midonet $(BIN)/midonet-db-manage

# Where `make install` installs: below DESTDIR, where a package is made, as it is to stand on the machine.
DESTDIR ?=
PREFIX  ?= /usr

.PHONY: install
install: ## install the programs and their services (root): then systemctl enable --now midonet@server, or midonet-agent
	@test -x $(BIN)/midonet || { echo "make build first, as the user whose Go it is"; exit 1; }
	install -D -t $(DESTDIR)$(PREFIX)/bin $(BIN)/midonet $(BIN)/mm-ctl
	ln -sf midonet $(DESTDIR)$(PREFIX)/bin/midonet-db-manage
	install -D -m 644 -t $(DESTDIR)/lib/systemd/system systemd/*.service
	sed -i 's|=/usr/bin/|=$(PREFIX)/bin/|' $(DESTDIR)/lib/systemd/system/midonet*.service

.PHONY: run
run: PGO := off
run: build ## build and start everything here: server, two hosts, two workloads, the ping between them (root; Ctrl-C cleans up)
	@$(BIN)/midonet sandbox demo --state-dir var

.PHONY: test
test: packages check ## install what the tests need (root), check format and code, run every test
	$(GO) test -count=1 -timeout 18m -p $$(($$(nproc) + 1)) $$($(GO) list ./... | grep -v /test/e2e$$) # one package more than processors: much of most is waiting
	$(GO) test -count=1 -timeout 18m ./test/e2e # by itself: its packets are not to wait for other tests

.PHONY: check
check: ## formatting, vet, staticcheck, pinned modules
	@unformatted=$$(gofmt -l .); test -z "$$unformatted" || { echo "not gofmt-clean: $$unformatted"; exit 1; }
	$(GO) mod verify
	$(GO) vet ./...
	$(GO) tool staticcheck ./...

.PHONY: race
race: ## the tests of the packages with goroutines, with the race detector
	$(GO) test -race -count=1 -timeout 30m ./agent/... ./cluster/... ./neutron/... ./run/...

# How long each of them searches.
FUZZTIME ?= 30s

.PHONY: fuzz
fuzz: ## search for input that breaks what reads it: each fuzz test of the tree for FUZZTIME (30s)
	@grep -r --include='*_test.go' -oE '^func Fuzz[A-Za-z0-9]*' . | sed 's|^\./||; s|/[^/]*:func | |' | sort | while read -r dir name; do \
		echo "$$dir $$name"; $(GO) test ./$$dir -run '^$$' -fuzz "^$$name\$$" -fuzztime $(FUZZTIME) || exit 1; done

.PHONY: conformance
conformance: packages conformance-packages ## OpenStack's tempest against the Networking API; a real Nova on it; a real neutron-server and ours asked the same; the stores' tests with faults as long as real ones; a Galera cluster (root)
	MIDONET_CONFORMANCE=1 $(GO) test -count=1 -timeout 30m -v ./cluster/nsdb/...
	MIDONET_CONFORMANCE=1 $(GO) test -count=1 -timeout 30m -v -run TestServerOnEachEngine ./run
	MIDONET_CONFORMANCE=1 $(GO) test -count=1 -timeout 30m -v -run TestAgainOnGalera ./neutron/ml2 ./neutron/quota ./neutron/journal
	MIDONET_CONFORMANCE=1 $(GO) test -count=1 -timeout 30m -v ./test/tempest
	MIDONET_CONFORMANCE=1 $(GO) test -count=1 -timeout 30m -v ./test/nova
	$(MAKE) compare

# BY_NEW_DEFAULTS is what is asked again under oslo.policy's enforce_new_defaults: all that depends on who asks.
BY_NEW_DEFAULTS = 'TestSameAnswers/(looking|walks)/(callers|actions|tags|topologies|quotas|walks)'

.PHONY: compare
compare: bench-packages ## ask a real neutron-server and our server the same, thousands of times; each difference must have a row in docs/divergences.md (root)
	MIDONET_CONFORMANCE=1 $(GO) test -count=1 -timeout 3h -parallel 4 -v ./test/compare
	MIDONET_CONFORMANCE=1 $(GO) test -count=1 -timeout 1h -parallel 4 -v -run $(BY_NEW_DEFAULTS) ./test/compare -new-defaults

.PHONY: bench
bench: bench-packages build ## measure, each figure beside a peer in the same run (root)
	$(GO) run ./bench/datapath
	$(GO) run ./bench/wake
	$(GO) run ./bench/system
	$(GO) run ./bench/change
	$(GO) run ./bench/takeover

.PHONY: profile
profile: bench-packages build ## find out anew where time goes under load, for the compiler: cmd/midonet/midonet.pgo (root)
	rm -rf $(BIN)/profile; mkdir -p $(BIN)/profile
	$(GO) run ./bench/system -alone -rounds 1 -profile $(BIN)/profile
	$(GO) test ./agent/worker -run - -bench 'RoutedMisses|Births|Flood' -o $(BIN)/profile/worker.test -cpuprofile $(BIN)/profile/worker.pprof
	$(GO) test ./agent/sim -run - -bench FirstPackets -o $(BIN)/profile/sim.test -cpuprofile $(BIN)/profile/sim.pprof
	$(GO) tool pprof -proto $(BIN)/profile/*.pprof > cmd/midonet/midonet.pgo

.PHONY: generate
generate: ## make the protobuf and eBPF files again from their sources
	$(GO) generate ./...

.PHONY: packages
packages:
	@./.ci/install $(TEST_PACKAGES)

.PHONY: conformance-packages
conformance-packages:
	@./.ci/install $(CONFORMANCE_PACKAGES)

.PHONY: bench-packages
bench-packages:
	@./.ci/install $(BENCH_PACKAGES)

.PHONY: clean
clean: ## remove what was built; `midonet sandbox down` removes what was started
	rm -rf $(BIN)
