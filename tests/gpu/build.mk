# SPDX-License-Identifier: MIT
#
# tests/gpu: the phantom GPU and its firmware files.

PHANTOM_SRC := $(filter-out tests/gpu/mkfirmware.c,$(wildcard tests/gpu/*.c))
PHANTOM_OBJ := $(PHANTOM_SRC:tests/gpu/%.c=$(BUILD)/gpu/%.o)

$(BUILD)/gpu/%.o: tests/gpu/%.c
	@mkdir -p $(@D)
	$(Q)$(CC) $(CFLAGS) -MMD -MP -c -o $@ $<

$(BUILD)/gpu/phantom: $(PHANTOM_OBJ)
	$(Q)$(CC) $(CFLAGS) $(LDFLAGS) -o $@ $^

$(BUILD)/gpu/mkfirmware: $(BUILD)/gpu/mkfirmware.o
	$(Q)$(CC) $(CFLAGS) $(LDFLAGS) -o $@ $^

gpu: $(BUILD)/gpu/phantom $(BUILD)/gpu/mkfirmware
.PHONY: gpu

-include $(PHANTOM_OBJ:.o=.d) $(BUILD)/gpu/mkfirmware.d
