# SPDX-License-Identifier: Apache-2.0
# A thin front for Meson and the scripts in tools/: `make help` lists the targets.
BUILD ?= build
DATA ?= dev-data
PORT ?= 8443
FUZZ_SECONDS ?= 60
KILLS ?= 300
SOAK ?= 60

.PHONY: help run program build injector test bench profile fault walk fuzz lint coverage install clean deps

help:
	@echo 'make run       build, then start a development server (DATA=$(DATA), PORT=$(PORT))'
	@echo 'make build     compile into $(BUILD)/'
	@echo 'make test      everything that must be green: unit, sanitizers, wire, lint'
	@echo 'make bench     requests per second and CPU per request, beside nginx'
	@echo 'make fault     kill -9 under load KILLS=$(KILLS) times, also with a full and a failing disk; what the clients saw is checked'
	@echo 'make walk      init, backup, restore and others, killed or failed at each call that changes the disk'
	@echo 'make profile   instructions of get, set, list and token issue, by function'
	@echo 'make fuzz      each fuzz target for FUZZ_SECONDS=$(FUZZ_SECONDS)'
	@echo 'make soak      mixed load for SOAK=$(SOAK) minutes; fails if anything grows or is wrong'
	@echo 'make valgrind  the unit tests under memcheck'
	@echo 'make lint      layout, static analysis and the rules of the house'
	@echo 'make coverage  lines and branches that the tests run, by layer'
	@echo 'make install   install what was built (DESTDIR is honoured)'
	@echo 'make deps      install the packages that building and testing need'
	@echo 'make clean     remove what was built; data folders stay'

deps:
	@tools/install-deps all

# Without cmocka there are no unit tests to build; `make test` installs it and switches them on.
$(BUILD)/build.ninja:
	@meson setup $(BUILD) -Dtests=$$(pkg-config --exists cmocka && echo true || echo false)

build: $(BUILD)/build.ninja
	@meson compile -C $(BUILD)

program: $(BUILD)/build.ninja
	@meson compile -C $(BUILD) holdfast

# The program, and the library that lets its calls fail.
injector: $(BUILD)/build.ninja
	@meson configure $(BUILD) -Dtests=true
	@meson compile -C $(BUILD) holdfast holdfast_inject

run:
	@tools/install-deps build
	@$(MAKE) --no-print-directory program
	@exec $(BUILD)/holdfast dev --data $(DATA) --port $(PORT)

test:
	@tools/install-deps all
	@BUILD=$(BUILD) tools/run-tests

lint:
	@tools/install-deps test
	@tools/lint

fuzz:
	@tools/install-deps test
	@FUZZ_SECONDS=$(FUZZ_SECONDS) tools/fuzz

fault:
	@tools/install-deps test
	@$(MAKE) --no-print-directory injector
	@for mode in '' --disk-full --eio --power; do KILLS=$(KILLS) tests/fault/kill_loop $(BUILD)/holdfast $$mode || exit 1; done

walk:
	@tools/install-deps test
	@$(MAKE) --no-print-directory injector
	@tests/fault/walk $(BUILD)/holdfast

.PHONY: soak valgrind
soak:
	@tools/install-deps test
	@$(MAKE) --no-print-directory program
	@SOAK=$(SOAK) tests/soak/soak $(BUILD)/holdfast

valgrind:
	@tools/install-deps test
	@BUILD=$(BUILD) tools/run-tests valgrind memcheck

coverage:
	@tools/install-deps all
	@tools/coverage

bench:
	@tools/install-deps all bench
	@$(MAKE) --no-print-directory program
	@tests/bench/run $(BUILD)/holdfast

profile:
	@tools/install-deps all bench
	@$(MAKE) --no-print-directory program
	@for row in get set list token; do tests/bench/profile $(BUILD)/holdfast --row $$row || exit 1; echo; done

install: build
	@meson install -C $(BUILD) --no-rebuild

clean:
	@rm -rf $(BUILD) build-*
