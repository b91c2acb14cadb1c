# SPDX-License-Identifier: MIT
#
# Measurements: programs that print a table, run in the VM beside the system
# tests, whose common code they use.

BENCH := exit
BENCH_OUT := $(BUILD)/sys/bench

.PHONY: bench bench-programs
bench-programs: $(BENCH:%=$(BENCH_OUT)/%)

$(BUILD)/sys/obj/bench/%.o: tests/bench/%.c | $(BUILD)/include/drm
	@mkdir -p $(@D)
	$(Q)$(CC) $(SYS_CFLAGS) -MMD -c -o $@ $<

$(BENCH:%=$(BENCH_OUT)/%): $(BENCH_OUT)/%: $(BUILD)/sys/obj/bench/%.o $(SYS_COMMON_OBJS)
	@mkdir -p $(@D)
	$(Q)$(CC) $(LDFLAGS) -o $@ $^ -lpthread

bench: vm-programs bench-programs
	@tests/vm/run --program '/tests/bench/exit'

-include $(wildcard $(BUILD)/sys/obj/bench/*.d)
