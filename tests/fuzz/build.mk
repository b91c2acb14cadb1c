# SPDX-License-Identifier: MIT
#
# The fuzzer: build/sys/fuzz and two programs that run it, fuzz_short for the
# manifest and fuzz_long, whose time and first seed are those of `make fuzz`.

FUZZ_SEED ?= $(shell date +%s)
FUZZ_OBJS := $(patsubst tests/fuzz/%.c,$(SYS_OUT)/obj/fuzz/%.o,$(wildcard tests/fuzz/*.c))

sys-tests: $(SYS_OUT)/fuzz $(SYS_OUT)/fuzz_short

$(SYS_OUT)/obj/fuzz/%.o: tests/fuzz/%.c | $(BUILD)/include/drm
	@mkdir -p $(@D)
	$(Q)$(CC) $(SYS_CFLAGS) -MMD -c -o $@ $<

$(SYS_OUT)/fuzz: $(FUZZ_OBJS) $(SYS_COMMON_OBJS)
	@mkdir -p $(@D)
	$(Q)$(CC) $(LDFLAGS) -o $@ $^ -lpthread

$(SYS_OUT)/fuzz_short: tests/fuzz/fuzz_short
	@mkdir -p $(@D)
	$(Q)cp $< $@

.PHONY: fuzz-long
fuzz-long: $(SYS_OUT)/fuzz
	$(Q)printf '#!/bin/busybox sh\nexec /tests/fuzz --seconds %s --seed %s\n' \
		$(FUZZ_SECONDS) $(FUZZ_SEED) > $(SYS_OUT)/fuzz_long
	$(Q)chmod +x $(SYS_OUT)/fuzz_long

-include $(wildcard $(SYS_OUT)/obj/fuzz/*.d)
