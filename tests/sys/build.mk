# SPDX-License-Identifier: MIT
#
# System tests: every tests/sys/*.c that is not part of the common code is a
# program of its own, build/sys/<name>. Programs that tests start are below
# tests/sys/helper, build/sys/helper/<name>.

SYS_OUT := $(BUILD)/sys
SYS_COMMON := harness maps pagetable gpuqueue kprobe failnth
SYS_TESTS := $(filter-out $(SYS_COMMON),$(basename $(notdir $(wildcard tests/sys/*.c))))
SYS_CFLAGS := $(CFLAGS) -Itests/sys -I.
SYS_COMMON_OBJS := $(SYS_COMMON:%=$(SYS_OUT)/obj/%.o) $(SYS_OUT)/obj/sdma.o
SYS_HELPERS := base_pie base_nopie base_static base_asan nothing

SYS_PROGRAMS := $(SYS_TESTS:%=$(SYS_OUT)/%) $(SYS_HELPERS:%=$(SYS_OUT)/helper/%)

.PHONY: sys-tests
sys-tests: $(SYS_PROGRAMS)

$(SYS_OUT)/obj/sdma.o: user/tool/sdma.c | $(BUILD)/include/drm
	@mkdir -p $(@D)
	$(Q)$(CC) $(SYS_CFLAGS) -MMD -c -o $@ $<

$(SYS_OUT)/obj/%.o: tests/sys/%.c | $(BUILD)/include/drm
	@mkdir -p $(@D)
	$(Q)$(CC) $(SYS_CFLAGS) -MMD -c -o $@ $<

$(SYS_TESTS:%=$(SYS_OUT)/%): $(SYS_OUT)/%: $(SYS_OUT)/obj/%.o $(SYS_COMMON_OBJS)
	@mkdir -p $(@D)
	$(Q)$(CC) $(LDFLAGS) -o $@ $^ -lpthread

# One source, linked in the ways that put a program's own VMAs at different
# places. ASan's run time is linked in, so that the program needs libc alone;
# gcc's, whatever compiles the rest, as clang's is a package of its own.
$(SYS_OUT)/helper/base_pie: SYS_LINK := -fPIE -pie
$(SYS_OUT)/helper/base_nopie: SYS_LINK := -fno-pie -no-pie
$(SYS_OUT)/helper/base_static: SYS_LINK := -fno-pie -static
$(SYS_OUT)/helper/base_asan: SYS_LINK := -fPIE -pie -fsanitize=address -static-libasan
$(SYS_OUT)/helper/base_asan: override CC := gcc
$(SYS_OUT)/helper/base_%: tests/sys/helper/base.c
	@mkdir -p $(@D) $(SYS_OUT)/obj
	$(Q)$(CC) $(SYS_CFLAGS) $(SYS_LINK) -MMD -MF $(SYS_OUT)/obj/base_$*.d -o $@ $<

$(SYS_OUT)/helper/nothing: tests/sys/helper/nothing.c
	@mkdir -p $(@D)
	$(Q)$(CC) $(SYS_CFLAGS) -nostdlib -static -fno-pie -o $@ $<

# Injected failures are filtered by a module for the debug kernel.
FILTER_SRC := tests/sys/failnth_filter
FILTER_KO := $(SYS_OUT)/helper/failnth_filter.ko
module-debug: $(FILTER_KO)

$(FILTER_KO): $(FILTER_SRC)/failnth_filter.c $(FILTER_SRC)/Kbuild
	@mkdir -p $(@D) $(SYS_OUT)/obj/failnth_filter
	$(Q)cp $^ $(SYS_OUT)/obj/failnth_filter/
	+$(Q)$(MAKE) --no-print-directory -C "$$(tests/vm/get-kernel debug)/build" \
		M=$(abspath $(SYS_OUT))/obj/failnth_filter modules
	$(Q)install -m 755 $(SYS_OUT)/obj/failnth_filter/failnth_filter.ko $@

-include $(wildcard $(SYS_OUT)/obj/*.d)
