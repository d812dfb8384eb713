# Everyday entry points; each sets up what it needs on a fresh Debian 12. The build itself is CMake (CMakePresets.json).
#   make demo    train on faces the program draws itself, minutes on two cores
#   make test    build, check the layers, run all tests
#   make build   build/bin/adaptiveface
#   make bench   build and run the benchmarks
#   make clean   remove build/ (runs/ stays)
# Another LibTorch: make build CMAKE_PREFIX_PATH=/opt/libtorch

BUILD_DIR := build
JOBS ?= $(shell nproc)
CMAKE_FLAGS ?=
# An environment variable of this name reaches CMake by itself; one given to make is handed on and remembered.
ifdef CMAKE_PREFIX_PATH
CMAKE_FLAGS += -DCMAKE_PREFIX_PATH=$(CMAKE_PREFIX_PATH)
endif

# A finished demo is kept; the next one gets the next free number.
DEMO_DIR := $(firstword $(foreach n,demo $(addprefix demo-,$(shell seq 2 999)),$(if $(wildcard runs/$(n)),,runs/$(n))))

.PHONY: demo test build bench clean setup configure

demo: build
	@echo "demo: training on built-in faces into $(DEMO_DIR)"
	@# waiting threads sleep instead of spinning: no loss on an idle machine, a large gain on a busy one
	@OMP_WAIT_POLICY=passive $(BUILD_DIR)/bin/adaptiveface train --config configs/demo.toml --run-dir $(DEMO_DIR)
	@echo "demo: run directory $(DEMO_DIR)"

test: build
	@tools/check_layers.sh
	@tools/run_tests.sh $(BUILD_DIR)

build: configure
	@cmake --build $(BUILD_DIR) --parallel $(JOBS)

bench: setup
	@cmake --preset release -DAFACE_BUILD_BENCH=ON $(CMAKE_FLAGS) > /dev/null
	@cmake --build $(BUILD_DIR) --parallel $(JOBS)
	@echo "bench: built in $(BUILD_DIR)/bin; docs/performance.md has the commands"

configure: setup
	@cmake --preset release $(CMAKE_FLAGS) > /dev/null

setup:
	@tools/setup.sh

clean:
	rm -rf $(BUILD_DIR)
