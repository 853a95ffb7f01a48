# SPDX-License-Identifier: MIT
# The front door. `make` alone says what there is; CMakePresets.json holds the builds behind it.
.DEFAULT_GOAL := help
.PHONY: help demo build test test-full bench coverage mutate soak fuzz proofs install uninstall clean docs format \
	packages-build packages-test configure-%

JOBS ?= $(shell nproc 2>/dev/null || echo 2)
PREFIX ?= /usr/local
DESTDIR ?=
BINARY := build/release/tinybms-gw
SOAK_SEQUENCES ?= 50000
SOAK_SEED ?= $(shell date +%s)
CTEST := ctest --output-on-failure --no-tests=error

help: ## this list
	@echo "tinybms-gw: a gateway between an Enepaq TinyBMS and a Victron GX"
	@echo
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-12s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

packages-build:
	@tools/packages.sh build

packages-test:
	@tools/packages.sh build test socketcan rv32

# One preset: configure when its build folder is new (make re-runs CMake by itself when needed),
# then compile.
define build_preset
	@[ -f build/$(1)/Makefile ] || { echo "Configuring $(1) ..."; cmake --preset $(1) >build-$(1).log 2>&1 && rm build-$(1).log || { cat build-$(1).log; rm build-$(1).log; exit 1; }; }
	@echo "Building $(1) ..."
	@cmake --build --preset $(1) -- -j$(JOBS) --no-print-directory -s
endef

build: packages-build ## build build/release/tinybms-gw
	$(call build_preset,release)
	@echo "Built $(BINARY)"

demo: build ## a simulated battery and GX around the real gateway, live in the terminal
	@$(BINARY) demo $(DEMO_ARGS)

test: packages-test ## everything a fresh machine can test (under 12 minutes on two cores)
	$(call build_preset,release)
	$(call build_preset,dev)
	$(call build_preset,asan)
	$(call build_preset,tsan)
	$(call build_preset,rv32)
	$(call build_preset,fuzz)
	@echo "== gcc: unit, golden, checks, end to end, real CAN interfaces"
	@cd build/dev && TINYBMS_GW="$(CURDIR)/$(BINARY)" $(CTEST) -j$(JOBS)
	@echo "== how much of core/ its own tests execute"
	@JOBS=$(JOBS) /usr/bin/python3 tools/coverage
	@echo "== clang with AddressSanitizer and UndefinedBehaviorSanitizer"
	@cd build/asan && $(CTEST) -j$(JOBS) -LE "e2e|check|socketcan"
	@echo "== clang with ThreadSanitizer: the threads"
	@cd build/tsan && $(CTEST) -j$(JOBS) -L threads
	@echo "== fuzz targets, 15 s each"
	@cd build/fuzz && $(CTEST) -j$(JOBS) -L fuzz
	@echo "== 32-bit RISC-V without an operating system: the core"
	@cd build/rv32 && $(CTEST) -j$(JOBS)
	@tools/size-table.py --prefix riscv64-unknown-elf- --build build/rv32

test-full: packages-test ## the long forms too (about an hour)
	$(MAKE) test
	@echo "== end to end, long forms"
	@cd build/dev && TINYBMS_GW_LONG=1 TINYBMS_GW="$(CURDIR)/$(BINARY)" $(CTEST) -L e2e
	@echo "== 10,000 random sequences of faults, and mutants that they notice"
	@cd build/dev && TINYBMS_GW_LONG=1 $(CTEST) -j$(JOBS) -L property
	@echo "== end to end against the sanitized program"
	@cd build/asan && $(CTEST) -L e2e
	@echo "== clang-tidy with its analyzer"
	@tools/check-tidy.sh build/dev --analyzer
	@echo "== 32-bit ARM with Linux: the core, the simulators, the Linux port"
	@tools/packages.sh armhf
	$(call build_preset,armhf)
	@cd build/armhf && $(CTEST) -j$(JOBS)

coverage: packages-test ## lines and branches of core/ that its own tests execute
	@JOBS=$(JOBS) /usr/bin/python3 tools/coverage

mutate: packages-test ## would the tests notice a change of core/? (about an hour)
	@tools/packages.sh mutate
	@JOBS=$(JOBS) nice /usr/bin/python3 tools/mutate

proofs: ## prove that what meets hostile bytes stays in bounds (PROOFS="crc ring" for some; minutes)
	@tools/packages.sh proofs
	@nice /usr/bin/python3 tests/proofs/run.py $(PROOFS)

soak: packages-test ## random sequences of faults for hours, and fifty days (SOAK_SEQUENCES, SOAK_SEED)
	$(call build_preset,dev)
	@echo "== $(SOAK_SEQUENCES) sequences from seed $(SOAK_SEED)"
	@cd build/dev && nice tests/property/property --seed $(SOAK_SEED) --count $(SOAK_SEQUENCES)
	@echo "== all mutants, fifty days"
	@cd build/dev && TINYBMS_GW_LONG=1 nice $(CTEST) -j$(JOBS) -R "property/mutants|^soak/"

fuzz: packages-test ## ten million executions of each fuzz target (FUZZ_RUNS, FUZZ_TARGETS)
	$(call build_preset,fuzz)
	@tests/fuzz/run.py build/fuzz

bench: ## measure speed, latency and cost beside a plain Python gateway (45 minutes; BENCH_QUICK=1: 6)
	@tools/packages.sh build bench
	$(call build_preset,bench)
	@tools/size-table.sh arm-none-eabi-
	@status=0; /usr/bin/python3 bench/run.py || status=$$?; /usr/bin/python3 bench/page.py --write; exit $$status

install: build ## install the program and its manual page under PREFIX (default /usr/local)
	install -D -m 755 $(BINARY) $(DESTDIR)$(PREFIX)/bin/tinybms-gw
	install -D -m 644 docs/tinybms-gw.1 $(DESTDIR)$(PREFIX)/share/man/man1/tinybms-gw.1
	mkdir -p $(DESTDIR)$(PREFIX)/lib/systemd/system
	sed 's|/usr/local|$(PREFIX)|' packaging/systemd/tinybms-gw.service >$(DESTDIR)$(PREFIX)/lib/systemd/system/tinybms-gw.service

uninstall: ## remove what `make install` installed
	rm -f $(DESTDIR)$(PREFIX)/bin/tinybms-gw $(DESTDIR)$(PREFIX)/share/man/man1/tinybms-gw.1 \
	    $(DESTDIR)$(PREFIX)/lib/systemd/system/tinybms-gw.service

docs: packages-test ## rewrite the pages of docs/ that are tables of the program
	@[ -f build/dev/Makefile ] || cmake --preset dev >/dev/null
	@cmake --build --preset dev --target tinybms-gw-docs -- -j$(JOBS) --no-print-directory -s >/dev/null
	@tools/check-docs-generated.sh build/dev/tools/docs/tinybms-gw-docs --write

format: packages-test ## let clang-format lay out every C file
	@git ls-files '*.c' '*.h' | xargs clang-format -i

clean: ## remove build/
	rm -rf build
