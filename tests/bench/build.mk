# SPDX-License-Identifier: MIT
#
# Measurements: programs that print records of what they have measured, run in
# the VM beside the system tests, whose common code they use. They need Debian's
# libhsakmt; only the config bench of tests/vm/run has it in its guest.

BENCH := cycle exit
BENCH_OUT := $(BUILD)/bench
BENCH_CFLAGS := $(SYS_CFLAGS) -Iuser/lib
BENCH_OBJS := $(addprefix $(BENCH_OUT)/obj/,bench.o peers.o)

.PHONY: bench bench-programs
bench-programs: $(BENCH:%=$(BENCH_OUT)/%)

$(BENCH_OUT)/obj/%.o: tests/bench/%.c | $(BUILD)/include/drm
	@mkdir -p $(@D)
	$(Q)$(CC) $(BENCH_CFLAGS) -MMD -MP -c -o $@ $<

$(BENCH:%=$(BENCH_OUT)/%): $(BENCH_OUT)/%: $(BENCH_OUT)/obj/%.o $(BENCH_OBJS) \
		$(SYS_COMMON_OBJS) $(USER_OUT)/librocsvm.so
	$(Q)$(CC) $(LDFLAGS) -o $@ $(filter-out %.so,$^) -L$(USER_OUT) -lrocsvm \
		-lhsakmt -lpthread

# For QEMU: tests/bench/profile.
$(BENCH_OUT)/profile.so: tests/bench/profile.c tests/bench/mark.h
	@mkdir -p $(@D)
	$(Q)$(CC) $(CFLAGS) -fPIC -shared -o $@ $<

bench-programs: $(BENCH_OUT)/profile.so

bench: vm-programs bench-programs
	@tests/vm/run --config bench --icount --time-limit 600 --program '/tests/bench/cycle' | tests/bench/report

-include $(wildcard $(BENCH_OUT)/obj/*.d)
