# SPDX-License-Identifier: MIT
#
# Unit tests: programs for the host, no VM, no GPU, no root.
#
#   placement_test   kmod/placement.c over the kernel's own rbtree
#   mutation_test    placement_test must find faults put into placement.c
#   uapi_test        layout and numbers of uapi/linux/rocsvm.h
#   man_test         a manual page for every function of the library
#   completion_test  what bash offers behind "rocsvm"
#   install_test     programs build against what is installed
#   placement_bench  cost of placement by live ranges (not a test)

UNIT := $(BUILD)/unit
UNIT_TESTS := $(addprefix $(UNIT)/,uapi_test placement_test mutation_test man_test \
	install_test completion_test)
UNIT_BENCHES := $(UNIT)/placement_bench

# The kernel's own sources, from Debian's package linux-source-6.1.
LINUX_SOURCE_TAR ?= /usr/src/linux-source-6.1.tar.xz
UNIT_LINUX := $(UNIT)/linux
UNIT_LINUX_FILES := lib/rbtree.c include/linux/rbtree.h \
	include/linux/rbtree_augmented.h include/linux/rbtree_types.h \
	lib/maple_tree.c include/linux/maple_tree.h

$(UNIT_LINUX)/.stamp: tests/unit/build.mk
	$(Q)test -r $(LINUX_SOURCE_TAR) || { \
		echo "$(LINUX_SOURCE_TAR) is missing: install linux-source-6.1" >&2; \
		exit 1; }
	@rm -rf $(UNIT_LINUX) && mkdir -p $(UNIT_LINUX)
	$(Q)tar -xJf $(LINUX_SOURCE_TAR) -C $(UNIT_LINUX) --strip-components=1 \
		$(addprefix linux-source-6.1/,$(UNIT_LINUX_FILES))
	@touch $@

# Headers that shim/kernel.h and shim/maple.h stand in for.
SHIM_HEADERS := $(addprefix linux/,align.h bits.h bug.h compiler.h \
	container_of.h export.h kernel.h log2.h math.h minmax.h overflow.h \
	rcupdate.h sizes.h slab.h spinlock.h xarray.h) asm/barrier.h \
	asm/page.h trace/events/maple_tree.h

$(UNIT)/shim/.stamp: tests/unit/build.mk
	@rm -rf $(@D) && mkdir -p $(addprefix $(@D)/,$(dir $(SHIM_HEADERS)))
	$(Q)touch $(addprefix $(@D)/,$(SHIM_HEADERS))
	@touch $@

UNIT_KERNEL_READY := $(UNIT_LINUX)/.stamp $(UNIT)/shim/.stamp
UNIT_KERNEL_FLAGS := -std=gnu11 -Wall -Werror -D_GNU_SOURCE -D__KERNEL__ \
	-DCONFIG_64BIT -include tests/unit/shim/kernel.h -Ikmod \
	-isystem $(UNIT)/shim -isystem $(UNIT_LINUX)/include
UNIT_SANITIZE := -fsanitize=address,undefined -fno-sanitize-recover=all

# Everything is compiled up to three times, to $(UNIT)/<variant>/: to be
# tested; without sanitizers, to be linked with one mutant after the other; to
# be measured. The kernel's files come out of the archive together with the
# stamp; warnings are not ours to fix there.
UNIT_FLAGS_test := $(UNIT_KERNEL_FLAGS) -g -O1 $(UNIT_SANITIZE)
UNIT_FLAGS_plain := $(UNIT_KERNEL_FLAGS) -O1
UNIT_FLAGS_bench := $(UNIT_KERNEL_FLAGS) -O2

define UNIT_VARIANT
$(UNIT)/$(1)/%.o: tests/unit/%.c $(UNIT_KERNEL_READY)
	@mkdir -p $$(@D)
	$$(Q)$$(CC) $$(UNIT_FLAGS_$(1)) -Wextra -MMD -c -o $$@ $$<

$(UNIT)/$(1)/placement.o: kmod/placement.c $(UNIT_KERNEL_READY)
	@mkdir -p $$(@D)
	$$(Q)$$(CC) $$(UNIT_FLAGS_$(1)) -Wextra -MMD -c -o $$@ $$<

$(UNIT)/$(1)/kernel/%.o: $(UNIT_KERNEL_READY) $(wildcard tests/unit/shim/*.h)
	@mkdir -p $$(@D)
	$$(Q)$$(CC) $$(UNIT_FLAGS_$(1)) -w -c -o $$@ \
		$$(filter %/$$*.c,$$(addprefix $(UNIT_LINUX)/,$(UNIT_LINUX_FILES)))

-include $(wildcard $(UNIT)/$(1)/*.d)
endef
$(foreach variant,test plain bench,$(eval $(call UNIT_VARIANT,$(variant))))

# ---- placement_test, mutation_test ----

# All of the test program but placement.o.
UNIT_PLACEMENT_OBJS := kernel/rbtree.o tap.o model.o \
	test_region.o test_intersect.o test_search.o placement_test.o
UNIT_PLAIN_OBJS := $(addprefix $(UNIT)/plain/,$(UNIT_PLACEMENT_OBJS))

$(UNIT)/placement_test: $(UNIT)/test/placement.o \
		$(addprefix $(UNIT)/test/,$(UNIT_PLACEMENT_OBJS))
	$(Q)$(CC) $(UNIT_SANITIZE) -o $@ $^

# Made here, for it needs to know how to compile.
$(UNIT)/mutation_test: tests/unit/mutate tests/unit/mutants kmod/placement.h \
		tests/unit/build.mk $(UNIT_PLAIN_OBJS)
	@printf '#!/bin/sh\nexec %s %s %s %s "%s" "%s"\n' tests/unit/mutate \
		kmod/placement.c tests/unit/mutants $(UNIT)/mutant \
		'$(CC) $(UNIT_FLAGS_plain) -w -c' '$(CC) $(UNIT_PLAIN_OBJS)' >$@
	@chmod +x $@

# ---- uapi_test ----
#
# Before the program is linked, the header compiles alone: as C90, as C++ (if
# there is a compiler), and with the same layout for 32 bits; and nothing of it
# is missing from the golden one. The kernel's own headers are not pedantic
# either.

UAPI_ALONE := -Iuapi -Wall -Wextra -Werror -fsyntax-only
UAPI_NAMES := sed -n 's/^\t\(ROCSVM_[A-Z0-9_]*\) = [0-9].*/\1/p; \
	s/^struct \([a-z_]*\) {/\1/p; s/^\#define \(ROCSVM_[A-Z_]*\)\s.*/\1/p' \
	uapi/linux/rocsvm.h
UAPI_32 := -m32 -isystem /usr/include/$(shell $(CC) -print-multiarch)

$(UNIT)/uapi_test: tests/unit/uapi_test.c tests/unit/uapi_layout.c \
		tests/unit/uapi_golden.h tests/unit/tap.c tests/unit/tap.h \
		uapi/linux/rocsvm.h
	@mkdir -p $(@D)
	$(Q)$(CC) -std=c90 $(UAPI_ALONE) -x c uapi/linux/rocsvm.h
	$(Q)if command -v $(CXX) >/dev/null; then \
		$(CXX) -std=c++11 -pedantic $(UAPI_ALONE) -x c++ \
			tests/unit/uapi_layout.c; fi
	$(Q)$(CC) -std=gnu11 $(UAPI_32) $(UAPI_ALONE) tests/unit/uapi_layout.c
	$(Q)for name in $$($(UAPI_NAMES)); do \
		grep -qw "$$name" tests/unit/uapi_golden.h || { \
			echo "$$name is not in uapi_golden.h" >&2; exit 1; }; done
	$(Q)$(CC) $(CFLAGS) -o $@ tests/unit/uapi_test.c tests/unit/tap.c

# ---- man_test, completion_test, install_test ----

$(UNIT)/man_test: $(BUILD)/user/man/.stamp
	@mkdir -p $(@D)
	@printf '#!/bin/sh\nexec tests/unit/man_test %s\n' $(BUILD)/user/man >$@
	@chmod +x $@

$(UNIT)/completion_test: user
	@mkdir -p $(@D)
	@printf '#!/bin/sh\nexec tests/unit/completion_test %s\n' $(BUILD)/user >$@
	@chmod +x $@

$(UNIT)/install_test: user
	@mkdir -p $(@D)
	@printf '#!/bin/sh\nexec tests/unit/install_test %s\n' $(BUILD) >$@
	@chmod +x $@

# ---- placement_bench ----

UNIT_BENCH_OBJS := $(addprefix $(UNIT)/bench/,placement_bench.o \
	placement_bench_maple.o placement.o kernel/rbtree.o \
	kernel/maple_tree.o)

$(UNIT)/bench/placement_bench_maple.o $(UNIT)/bench/kernel/maple_tree.o: \
	private UNIT_FLAGS_bench += -include tests/unit/shim/maple.h

$(UNIT)/placement_bench: $(UNIT_BENCH_OBJS)
	$(Q)$(CC) -o $@ $^
