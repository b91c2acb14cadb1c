# SPDX-License-Identifier: MIT
#
# The user side: library, tool, examples, and their tests. Included by
# the top-level Makefile; see there for the variables.

USER_OUT := $(BUILD)/user
USER_VERSION := $(shell sed -n 's/^\#define ROCSVM_VERSION[^"]*"\(.*\)"/\1/p' user/lib/rocsvm.h)

PREFIX ?= /usr/local
LIBDIR ?= $(PREFIX)/lib
INCLUDEDIR ?= $(PREFIX)/include
MANDIR ?= $(PREFIX)/share/man
# udev looks into no other prefix for what an administrator has put there.
UDEVDIR ?= /etc/udev/rules.d

DOCDIR ?= $(PREFIX)/share/doc/rocsvm
COMPLETIONDIR ?= $(PREFIX)/share/bash-completion/completions

LIB_OBJS := $(patsubst user/lib/%.c,$(USER_OUT)/lib/%.o,\
	$(filter-out user/lib/test_%.c,$(wildcard user/lib/*.c)))
TOOL_OBJS := $(patsubst user/tool/%.c,$(USER_OUT)/tool/%.o,\
	$(filter-out user/tool/test_%.c,$(wildcard user/tool/*.c)))
USER_TESTS := $(addprefix $(BUILD)/unit/,lib_test lib_calls_test sdma_test tool_test)

# example.c is what the others share.
EXAMPLES := $(filter-out example,$(basename $(notdir $(wildcard user/examples/*.c))))
EXAMPLE_OBJS := $(addprefix $(USER_OUT)/examples/obj/,example.o sdma.o)

USER_BUILT := $(addprefix $(USER_OUT)/,librocsvm.so.0 librocsvm.so librocsvm.a \
	librocsvm.pc rocsvm $(EXAMPLES:%=examples/%)) $(USER_TESTS)

# The header has to be C++ as well; that is looked at where there is a compiler.
ifneq ($(shell command -v $(CXX)),)
USER_BUILT += $(USER_OUT)/cxx.stamp
endif

.PHONY: user
user: $(USER_BUILT)

$(USER_OUT)/lib/%.o: user/lib/%.c | $(BUILD)/include/drm
	@mkdir -p $(@D)
	$(Q)$(CC) $(CFLAGS) -fPIC -MMD -MP -c $< -o $@

$(USER_OUT)/tool/%.o: user/tool/%.c | $(BUILD)/include/drm
	@mkdir -p $(@D)
	$(Q)$(CC) $(CFLAGS) -MMD -MP -c $< -o $@

$(USER_OUT)/librocsvm.a: $(LIB_OBJS)
	$(Q)rm -f $@
	$(Q)$(AR) rcs $@ $^

$(USER_OUT)/librocsvm.so.0: $(LIB_OBJS) user/lib/librocsvm.map
	$(Q)$(CC) $(CFLAGS) $(LDFLAGS) -shared -Wl,-soname,librocsvm.so.0 -Wl,-z,defs \
		-Wl,--version-script=user/lib/librocsvm.map $(LIB_OBJS) -o $@

$(USER_OUT)/librocsvm.so: $(USER_OUT)/librocsvm.so.0
	$(Q)ln -sf librocsvm.so.0 $@

# Made again by each install, whose PREFIX may be another one.
USER_PC = sed -e 's|@PREFIX@|$(PREFIX)|' -e 's|@LIBDIR@|$(LIBDIR)|' \
	-e 's|@INCLUDEDIR@|$(INCLUDEDIR)|' -e 's|@VERSION@|$(USER_VERSION)|' \
	user/lib/librocsvm.pc.in

$(USER_OUT)/librocsvm.pc: user/lib/librocsvm.pc.in user/lib/rocsvm.h
	@mkdir -p $(@D)
	$(Q)$(USER_PC) >$@

# The tool carries the library in itself, so that it runs from any place.
$(USER_OUT)/rocsvm: $(TOOL_OBJS) $(USER_OUT)/librocsvm.a
	$(Q)$(CC) $(CFLAGS) $(LDFLAGS) $^ -ldl -o $@

# The examples take the shared library, as programs of others do.
EXAMPLE_CFLAGS = $(CFLAGS) -Iuser/lib -Iuser/tool -MMD -MP

$(USER_OUT)/examples/obj/%.o: user/examples/%.c | $(BUILD)/include/drm
	@mkdir -p $(@D)
	$(Q)$(CC) $(EXAMPLE_CFLAGS) -c $< -o $@

$(USER_OUT)/examples/obj/sdma.o: user/tool/sdma.c | $(BUILD)/include/drm
	@mkdir -p $(@D)
	$(Q)$(CC) $(EXAMPLE_CFLAGS) -c $< -o $@

$(EXAMPLES:%=$(USER_OUT)/examples/%): $(USER_OUT)/examples/%: $(USER_OUT)/examples/obj/%.o \
		$(EXAMPLE_OBJS) $(USER_OUT)/librocsvm.so
	$(Q)$(CC) $(CFLAGS) $(LDFLAGS) $(filter %.o,$^) -L$(USER_OUT) -lrocsvm \
		-Wl,-rpath,'$$ORIGIN/..' -o $@

# In the VM each of them is a test.
EXAMPLE_TESTS := $(EXAMPLES:%=$(BUILD)/sys/example_%)
sys-tests: $(EXAMPLE_TESTS)

$(EXAMPLE_TESTS): $(BUILD)/sys/example_%: $(USER_OUT)/examples/%
	@mkdir -p $(@D)
	$(Q)cp $< $@

$(BUILD)/unit/lib_test: user/lib/test_lib.c $(USER_OUT)/librocsvm.a $(USER_OUT)/librocsvm.so.0
	@mkdir -p $(@D)
	$(Q)$(CC) $(CFLAGS) $(LDFLAGS) -MMD -MF $(USER_OUT)/lib/test_lib.d -MP -pthread $< \
		$(USER_OUT)/librocsvm.a -ldl -Wl,-rpath,'$$ORIGIN/../user' -o $@

$(BUILD)/unit/lib_calls_test: user/lib/test_calls.c tests/unit/tap.c $(USER_OUT)/librocsvm.a \
		| $(BUILD)/include/drm
	@mkdir -p $(@D)
	$(Q)$(CC) $(CFLAGS) $(LDFLAGS) $(filter %.c %.a,$^) -o $@

$(BUILD)/unit/sdma_test: $(USER_OUT)/tool/test_sdma.o $(USER_OUT)/tool/sdma.o
	@mkdir -p $(@D)
	$(Q)$(CC) $(CFLAGS) $(LDFLAGS) -pthread $^ -o $@

$(BUILD)/unit/tool_test: $(USER_OUT)/tool/test_tool.o $(filter-out %/main.o,$(TOOL_OBJS)) \
		tests/unit/tap.c $(USER_OUT)/librocsvm.a
	@mkdir -p $(@D)
	$(Q)$(CC) $(CFLAGS) $(LDFLAGS) $^ -ldl -o $@

$(USER_OUT)/cxx.stamp: user/lib/rocsvm.h uapi/linux/rocsvm.h
	@mkdir -p $(@D)
	$(Q)printf '#include "rocsvm.h"\nint main() { return rocsvm_open(nullptr, nullptr); }\n' | \
		$(CXX) -Wall -Wextra -Werror -std=c++11 -Iuapi -Iuser/lib -fsyntax-only -x c++ -
	@touch $@

# The pages as they are installed: those with several names get links.
$(USER_OUT)/man/.stamp: $(wildcard user/man/*) user/build.mk
	@rm -rf $(@D) && mkdir -p $(@D)
	$(Q)cp user/man/* $(@D)/
	$(Q)for page in $(notdir $(wildcard user/man/rocsvm_*.3)); do \
		sed -n '/^\.SH NAME/,/ \\-/s/^\(rocsvm_[a-z_]*\).*/\1.3/p' user/man/$$page | \
		while read -r name; do \
			[ -e $(@D)/$$name ] || echo ".so man3/$$page" >$(@D)/$$name; done; done
	@touch $@

# Where it all goes is said in packaging/files.
USER_FILES = BUILD='$(BUILD)' VERSION='$(USER_VERSION)' DESTDIR='$(DESTDIR)' \
	PREFIX='$(PREFIX)' LIBDIR='$(LIBDIR)' INCLUDEDIR='$(INCLUDEDIR)' \
	MANDIR='$(MANDIR)' DOCDIR='$(DOCDIR)' UDEVDIR='$(UDEVDIR)' \
	COMPLETIONDIR='$(COMPLETIONDIR)' packaging/files

.PHONY: install-user uninstall-user
install-user: user $(USER_OUT)/man/.stamp
	$(Q)$(USER_PC) >$(USER_OUT)/installed.pc
	$(Q)$(USER_FILES) install user
	$(Q)if [ -z "$(DESTDIR)" ]; then \
		ldconfig; udevadm control --reload 2> /dev/null || true; fi

uninstall-user: $(USER_OUT)/man/.stamp
	$(Q)$(USER_FILES) uninstall user
	$(Q)if [ -z "$(DESTDIR)" ]; then ldconfig; fi

-include $(wildcard $(USER_OUT)/*/*.d)
