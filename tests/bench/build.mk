# SPDX-License-Identifier: MIT
#
# Measurements: programs that print records of what they have measured, run in
# the VM beside the system tests, whose common code they use. They need Debian's
# libhsakmt; only the config bench of tests/vm/run has it in its guest.

BENCH := batch cycle exit open scale threads touch
BENCH_OUT := $(BUILD)/bench
BENCH_CFLAGS := $(SYS_CFLAGS) -Iuser/lib
BENCH_OBJS := $(addprefix $(BENCH_OUT)/obj/,bench.o peers.o)

.PHONY: bench-in-guest bench-programs
bench-programs: $(BENCH:%=$(BENCH_OUT)/%)

$(BENCH_OUT)/obj/%.o: tests/bench/%.c | $(BUILD)/include/drm
	@mkdir -p $(@D)
	$(Q)$(CC) $(BENCH_CFLAGS) -MMD -MP -c -o $@ $<

$(BENCH:%=$(BENCH_OUT)/%): $(BENCH_OUT)/%: $(BENCH_OUT)/obj/%.o $(BENCH_OBJS) \
		$(SYS_COMMON_OBJS) $(USER_OUT)/librocsvm.so
	$(Q)$(CC) $(LDFLAGS) -o $@ $(filter-out %.so,$^) -L$(USER_OUT) -lrocsvm \
		-lhsakmt -lpthread

# The same with AddressSanitizer; gcc's run time is linked in.
BENCH_ASAN_SOURCES := $(addprefix tests/bench/,open.c bench.c peers.c) \
	$(addprefix tests/sys/,harness.c maps.c)
$(BENCH_OUT)/open_asan: $(BENCH_ASAN_SOURCES) $(USER_OUT)/librocsvm.so
	@mkdir -p $(@D)
	$(Q)gcc $(BENCH_CFLAGS) -fsanitize=address -static-libasan -o $@ \
		$(BENCH_ASAN_SOURCES) -L$(USER_OUT) -lrocsvm -lhsakmt -lpthread

bench-programs: $(BENCH_OUT)/open_asan

# For QEMU: tests/bench/profile.
$(BENCH_OUT)/profile.so: tests/bench/profile.c tests/bench/mark.h
	@mkdir -p $(@D)
	$(Q)$(CC) $(CFLAGS) -fPIC -shared -o $@ $<

bench-programs: $(BENCH_OUT)/profile.so

bench-in-guest: vm-programs bench-programs
	@tests/bench/bench

-include $(wildcard $(BENCH_OUT)/obj/*.d)
