# SPDX-License-Identifier: MIT
#
# The targets that people use; `make help` lists them. What is compiled from
# what is in the build.mk of each part, all of them included here, so that one
# make knows all dependencies. The module is built by the kernel's own Kbuild.

BUILD ?= build
V ?= 0
Q := $(if $(filter 1,$(V)),,@)

# make's built-in default is cc; the errors of this one are known.
ifeq ($(origin CC),default)
CC := gcc
endif
CFLAGS ?= -O2 -g
override CFLAGS += -Wall -Wextra -Werror -std=gnu11 -D_GNU_SOURCE -Iuapi \
	-I$(BUILD)/include

.DEFAULT_GOAL := all
.DELETE_ON_ERROR:
.SUFFIXES:

# What is compiled from what. Some targets install the compiler first, then call
# make again: they must not ask for it here.
ifneq ($(filter-out demo check check-full check-quick fuzz fuzz-corpus bench clean help,$(or $(MAKECMDGOALS),all)),)
include $(wildcard user/build.mk tests/gpu/build.mk tests/unit/build.mk \
	tests/sys/build.mk tests/fuzz/build.mk tests/rocm/build.mk \
	tests/bench/build.mk)
endif

VERSION := $(shell sed -n 's/^PACKAGE_VERSION="\(.*\)"/\1/p' dkms.conf)

# <linux/kfd_ioctl.h> wants <drm/drm.h>, which libdrm has elsewhere.
$(BUILD)/include/drm:
	@mkdir -p $(@D)
	$(Q)ln -sfn /usr/include/libdrm $@

# ---- the module ----
#
# Kbuild puts its products beside the sources, so it works on a tree of links,
# one for each kernel: build/kmod/RELEASE/src.

# $(call build_module,KERNEL_BUILD_DIR,WHERE,ARGUMENTS)
define build_module
	set -eu; kernel=$(1); \
	[ -e "$$kernel/Makefile" ] || { \
		echo "no kernel headers in $$kernel" >&2; exit 1; }; \
	release=$$(sed -n 's/.*UTS_RELEASE "\(.*\)"/\1/p' \
		"$$kernel/include/generated/utsrelease.h"); \
	out=$(abspath $(BUILD))/$(2)/$$release; \
	mkdir -p "$$out/src/kmod"; \
	find "$$out/src" -xtype l -delete; \
	ln -sfn $(CURDIR)/uapi "$$out/src/uapi"; \
	ln -sf $(CURDIR)/Kbuild "$$out/src/Kbuild"; \
	ln -sf $(CURDIR)/kmod/* "$$out/src/kmod/"; \
	$(MAKE) --no-print-directory -C "$$kernel" M="$$out/src" $(3) modules; \
	cp -p "$$out/src/kmod/rocsvm.ko" "$$out/rocsvm.ko"
endef

RUNNING_KERNEL := /lib/modules/$(shell uname -r)/build

# Those that tests run on: tests/vm/get-kernel.
KERNELS := stock stock-6.12 debug debug-6.12 kcsan

.PHONY: module module-running $(KERNELS:%=module-%)
ifneq ($(KDIR),)
module:
	+$(Q)$(call build_module,$(KDIR),kmod)
else ifneq ($(wildcard $(RUNNING_KERNEL)/include/generated/utsrelease.h),)
module: module-running
else
module: module-stock
endif

module-running:
	+$(Q)$(call build_module,$(RUNNING_KERNEL),kmod)

# There the module counts how often each line is run: tests/vm/coverage.
module-debug module-debug-6.12: MODULE_ARGUMENTS = GCOV_PROFILE=y
$(KERNELS:%=module-%): module-%:
	+$(Q)$(call build_module,$$(tests/vm/get-kernel $*)/build,kmod,$(MODULE_ARGUMENTS))

# ---- what people ask for ----

.PHONY: all demo bench help clean
all: module user

help:
	@echo 'rocsvm $(VERSION)'
	@echo
	@echo '  make demo                the main job, in a VM with a software GPU; installs'
	@echo '                           the packages it needs (Debian 12), asks nothing'
	@echo '  make [all]               module, library and tool'
	@echo '  sudo make install        all of it on this machine (module by dkms, if there)'
	@echo '  sudo make uninstall'
	@echo
	@echo '  make check               every test, on Debian'"'"'s kernel and a debug kernel'
	@echo '  make check-full          and on Linux 6.12, on a kernel that looks for data'
	@echo '                           races, with injected failures, and by the fuzzer'
	@echo '  make check-quick         a subset of them, in 3 minutes'
	@echo '  make check-unit          those that need no VM'
	@echo '  make check-hardware      on this machine'"'"'s own GPU, those tests that harm nothing'
	@echo '  make check-kernel-style  checkpatch, sparse and W=1 on the module'
	@echo '  make fuzz                programs of the ABI'"'"'s calls, led by what they reach in the'
	@echo '                           module; KERNEL (debug), FUZZ_SECONDS (600), FUZZ_SEED'
	@echo '  make fuzz-corpus         takes what it has found into tests/fuzz/corpus'
	@echo '  make bench               what calls cost, beside KFD and libhsakmt'
	@echo '  make clean'
	@echo
	@echo '  variables: BUILD (build), V=1 (show commands), KDIR (headers to build the'
	@echo '  module against), CC, CFLAGS, LDFLAGS, DESTDIR, PREFIX (/usr/local),'
	@echo '  ROCSVM_CACHE (fetched and built kernels; ~/.cache/rocsvm)'

.PHONY: vm-programs
vm-programs: user gpu module-stock

demo:
	@tests/vm/setup demo
	@echo '==> building the module, the library, the tool and the phantom GPU' >&2
	@$(MAKE) --no-print-directory -j$$(nproc) vm-programs
	@echo '==> booting a virtual machine with the phantom GPU' >&2
	@tests/vm/run --program 'rocsvm demo'

clean:
	$(Q)rm -rf $(BUILD)

bench:
	@tests/vm/setup bench
	@$(MAKE) --no-print-directory -j$$(nproc) bench-in-guest

# ---- tests ----

.PHONY: check check-full check-quick check-unit check-kernel-style
check:
	@tests/vm/setup check
	@tests/vm/check

check-quick:
	@tests/vm/setup check
	@tests/vm/check --quick

check-unit:
	@tests/vm/check --unit

# And what takes long, or may hit faults of amdgpu's own.
check-full:
	@tests/vm/setup full
	@tests/vm/check --full

check-kernel-style:
	@tests/vm/check --kernel-style

# docs/hardware.md
.PHONY: check-hardware
check-hardware: sys-tests
	@$(if $(filter-out 0,$(shell id -u)),sudo) BUILD='$(BUILD)' tests/hw/run

# On the debug kernel a test's limit is four times what it says. The module has
# KCOV's points there, so that the fuzzer sees what it reaches.
KERNEL ?= debug
FUZZ_SECONDS ?= 600
FUZZ_MODULE = $(BUILD)/kmod-kcov/$$(cat "$$(tests/vm/get-kernel debug)/release")/rocsvm.ko
FUZZ_LOG = $(BUILD)/vm/$(KERNEL)-gpu1.log
FUZZ_GUIDED = $(filter debug,$(KERNEL))
.PHONY: fuzz fuzz-corpus module-kcov
fuzz:
	@tests/vm/setup check
	@$(MAKE) --no-print-directory -j$$(nproc) user gpu sys-tests fuzz-long \
		module-$(if $(FUZZ_GUIDED),kcov,$(KERNEL))
	@status=0; tests/vm/run --kernel $(KERNEL) --show-output \
		$(if $(FUZZ_GUIDED),--module $(FUZZ_MODULE)) \
		--time-limit $$(($(FUZZ_SECONDS) + 300)) fuzz_long || status=$$?; \
	mkdir -p $(BUILD)/fuzz; \
	tests/fuzz/from-log programs $(FUZZ_LOG) > $(BUILD)/fuzz/found; \
	$(if $(FUZZ_GUIDED),tests/fuzz/from-log coverage $(FUZZ_LOG) $(FUZZ_MODULE) > \
		$(BUILD)/fuzz/coverage; tail -n 1 $(BUILD)/fuzz/coverage;) \
	exit $$status

# What `make fuzz` has found into the corpus: as few programs as reach it all.
fuzz-corpus:
	@tests/vm/setup check
	@$(MAKE) --no-print-directory -j$$(nproc) user gpu sys-tests fuzz-minimize module-kcov
	@tests/vm/run --kernel debug --module $(FUZZ_MODULE) --time-limit 1800 fuzz_minimize
	@{ sed -n '/^#/p' tests/fuzz/corpus; tests/fuzz/from-log programs \
		$(BUILD)/vm/debug-gpu1.log; } > $(BUILD)/fuzz/corpus
	@cp $(BUILD)/fuzz/corpus tests/fuzz/corpus

module-kcov:
	+$(Q)$(call build_module,$$(tests/vm/get-kernel debug)/build,kmod-kcov,KCOV_INSTRUMENT=y)

# Parts of the above, called by tests/vm/check.
.PHONY: unit-tests sanitized-tests print-unit-tests user-code
.PHONY: style-checkpatch $(KERNELS:%=style-build-%)
unit-tests: $(UNIT_TESTS) $(USER_TESTS)

sanitized-tests: $(USER_TESTS)

print-unit-tests:
	@echo $(UNIT_TESTS) $(USER_TESTS)

user-code: user gpu sys-tests

CHECKPATCH = perl "$$(tests/vm/fetch-checkpatch)" --no-tree --strict --terse \
	--no-summary --show-types --max-line-length=100

# The window's vm_operations_struct is shmem's with members replaced at load.
# compat.h is where the version of the kernel may be asked for; in the ABI
# header an ioctl's number follows its struct at once.
style-checkpatch:
	@out=$$($(CHECKPATCH) --ignore CONST_STRUCT \
			-f $(filter-out kmod/compat.h,$(wildcard kmod/*.[ch])); \
		$(CHECKPATCH) --ignore LINUX_VERSION_CODE,CONSTANT_COMPARISON \
			-f kmod/compat.h; \
		$(CHECKPATCH) --ignore LINE_SPACING -f uapi/linux/rocsvm.h) || true; \
	echo "$$out"; [ -z "$$out" ]

# Kbuild compiles only what has changed, so start anew: warnings come once.
$(KERNELS:%=style-build-%): style-build-%:
	@rm -rf $(BUILD)/kmod-style-$*
	@mkdir -p $(BUILD)
	+@{ $(call build_module,$$(tests/vm/get-kernel $*)/build,kmod-style-$*,W=1 C=2); } \
		> $(BUILD)/style-$*.log 2>&1 || { cat $(BUILD)/style-$*.log; exit 1; }
	@! grep -E '(warning|error):|WARNING' $(BUILD)/style-$*.log

# ---- installing ----
#
# With dkms the module is built anew for each kernel; without, for this one.
# DKMS=no does without, though it is there.

PREFIX ?= /usr/local
RELEASE ?= $(shell uname -r)
DKMS ?= $(if $(shell command -v dkms),yes,no)
MODULE_FILE = $(DESTDIR)/lib/modules/$(RELEASE)/updates/rocsvm.ko
MODULE_SOURCE = BUILD='$(BUILD)' VERSION='$(VERSION)' DESTDIR='$(DESTDIR)' packaging/files

.PHONY: install install-module install-module-source
.PHONY: uninstall uninstall-module uninstall-module-source
install: install-user install-module
uninstall: uninstall-user uninstall-module

install-module-source:
	$(Q)$(MODULE_SOURCE) install module

uninstall-module-source:
	$(Q)$(MODULE_SOURCE) uninstall module

ifeq ($(DKMS),yes)
# Other versions go: a kernel to come would get the highest of them.
install-module: install-module-source
	$(Q)[ -n "$(DESTDIR)" ] || { \
		dkms status -m rocsvm | sed -n 's|^rocsvm/\([^,:]*\).*|\1|p' | sort -u | \
		while read -r version; do \
			dkms remove -m rocsvm -v "$$version" --all; \
		done; \
		dkms install -m rocsvm -v $(VERSION) -k $(RELEASE); }

uninstall-module:
	$(Q)[ -n "$(DESTDIR)" ] || dkms remove -m rocsvm -v $(VERSION) --all || true
	$(Q)$(MODULE_SOURCE) uninstall module
else
install-module:
	+$(Q)$(MAKE) --no-print-directory module KDIR=/lib/modules/$(RELEASE)/build
	$(Q)install -D -m 644 $(BUILD)/kmod/$(RELEASE)/rocsvm.ko $(MODULE_FILE)
	$(Q)[ -n "$(DESTDIR)" ] || depmod $(RELEASE)

uninstall-module:
	$(Q)rm -f $(MODULE_FILE)
	$(Q)[ -n "$(DESTDIR)" ] || depmod $(RELEASE)
endif
