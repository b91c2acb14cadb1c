# SPDX-License-Identifier: MIT
#
# tests/rocm: programs for Debian's ROCm libraries, and the scripts that run
# them over plain KFD and over rocsvm. Only the config rocm of tests/vm/run has
# the libraries in its guest. Where the headers are missing nothing is built.

ROCM_OUT := $(BUILD)/rocm
ROCM_SCRIPTS := $(filter-out %.c %.h %.mk,$(notdir $(wildcard tests/rocm/*)))
ROCM_PROGRAMS := $(addprefix $(ROCM_OUT)/,facts hsa_copy thunk rocm_run $(ROCM_SCRIPTS))
ROCM_CFLAGS := $(SYS_CFLAGS)

ifneq ($(wildcard /usr/include/hsakmt.h),)
ifneq ($(wildcard /usr/include/hsa/hsa_ext_amd.h),)
sys-tests: $(ROCM_PROGRAMS)
endif
endif

$(ROCM_OUT)/obj/%.o: tests/rocm/%.c | $(BUILD)/include/drm
	@mkdir -p $(@D)
	$(Q)$(CC) $(ROCM_CFLAGS) -MMD -MP -c -o $@ $<

$(ROCM_OUT)/hsa_copy: $(ROCM_OUT)/obj/hsa_copy.o
	$(Q)$(CC) $(LDFLAGS) -o $@ $^ -lhsa-runtime64 -lpthread

$(ROCM_OUT)/thunk: $(ROCM_OUT)/obj/thunk.o $(SYS_COMMON_OBJS)
	$(Q)$(CC) $(LDFLAGS) -o $@ $^ -lhsakmt -lpthread

$(ROCM_OUT)/facts: $(ROCM_OUT)/obj/facts.o $(SYS_COMMON_OBJS)
	$(Q)$(CC) $(LDFLAGS) -o $@ $^ -lhsakmt -lpthread

$(ROCM_OUT)/rocm_run: $(ROCM_OUT)/obj/rocm_run.o $(SYS_COMMON_OBJS)
	$(Q)$(CC) $(LDFLAGS) -o $@ $^ -lpthread

$(addprefix $(ROCM_OUT)/,$(ROCM_SCRIPTS)): $(ROCM_OUT)/%: tests/rocm/%
	@mkdir -p $(@D)
	$(Q)cp $< $@

-include $(wildcard $(ROCM_OUT)/obj/*.d)
