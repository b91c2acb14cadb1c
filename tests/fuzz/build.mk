# SPDX-License-Identifier: MIT
#
# The fuzzer: build/sys/fuzz, and what runs it: fuzz_short and fuzz_corpus for
# the manifest, fuzz_long for `make fuzz`, fuzz_minimize for `make fuzz-corpus`.

FUZZ_SEED ?= $(shell date +%s)
FUZZ_OBJS := $(patsubst tests/fuzz/%.c,$(SYS_OUT)/obj/fuzz/%.o,$(wildcard tests/fuzz/*.c))
FUZZ_SCRIPTS := $(SYS_OUT)/fuzz_short $(SYS_OUT)/fuzz_corpus

sys-tests: $(SYS_OUT)/fuzz $(FUZZ_SCRIPTS) $(SYS_OUT)/fuzz_programs

$(SYS_OUT)/obj/fuzz/%.o: tests/fuzz/%.c | $(BUILD)/include/drm
	@mkdir -p $(@D)
	$(Q)$(CC) $(SYS_CFLAGS) -MMD -c -o $@ $<

# Static: on a debug kernel fork() takes as long as there are mappings.
$(SYS_OUT)/fuzz: $(FUZZ_OBJS) $(SYS_COMMON_OBJS)
	@mkdir -p $(@D)
	$(Q)$(CC) $(LDFLAGS) -static -o $@ $^ -lpthread

$(FUZZ_SCRIPTS): $(SYS_OUT)/%: tests/fuzz/%
	@mkdir -p $(@D)
	$(Q)install -m 755 $< $@

# What is executable comes into the guest.
$(SYS_OUT)/fuzz_programs: tests/fuzz/corpus
	@mkdir -p $(@D)
	$(Q)install -m 755 $< $@

.PHONY: fuzz-long fuzz-minimize
fuzz-long: $(SYS_OUT)/fuzz $(SYS_OUT)/fuzz_programs
	$(Q)printf '#!/bin/busybox sh\nexec /tests/fuzz --guided --seconds %s --seed %s --corpus /tests/fuzz_programs\n' \
		$(FUZZ_SECONDS) $(FUZZ_SEED) > $(SYS_OUT)/fuzz_long
	$(Q)chmod +x $(SYS_OUT)/fuzz_long

# The corpus and what `make fuzz` has found beyond it.
fuzz-minimize: $(SYS_OUT)/fuzz
	$(Q)cat tests/fuzz/corpus $(wildcard $(BUILD)/fuzz/found) > $(SYS_OUT)/fuzz_all
	$(Q)printf '#!/bin/busybox sh\nexec /tests/fuzz --minimize /tests/fuzz_all\n' > \
		$(SYS_OUT)/fuzz_minimize
	$(Q)chmod +x $(SYS_OUT)/fuzz_all $(SYS_OUT)/fuzz_minimize

-include $(wildcard $(SYS_OUT)/obj/fuzz/*.d)
