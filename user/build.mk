# SPDX-License-Identifier: MIT
#
# The user side: library, tool, example, and their tests. Included by
# the top-level Makefile; see there for the variables.

USER_OUT := $(BUILD)/user
USER_VERSION := $(shell sed -n 's/^\#define ROCSVM_VERSION[^"]*"\(.*\)"/\1/p' user/lib/rocsvm.h)

PREFIX ?= /usr/local
LIBDIR ?= $(PREFIX)/lib
INCLUDEDIR ?= $(PREFIX)/include
MANDIR ?= $(PREFIX)/share/man
# udev looks into no other prefix for what an administrator has put there.
UDEVDIR ?= /etc/udev/rules.d

USER_MAN := $(notdir $(wildcard user/man/*))
USER_MAN_DIRS = $(addprefix $(DESTDIR)$(MANDIR)/man,$(sort $(subst .,,$(suffix $(USER_MAN)))))

LIB_OBJS := $(patsubst user/lib/%.c,$(USER_OUT)/lib/%.o,\
	$(filter-out user/lib/test_%.c,$(wildcard user/lib/*.c)))
TOOL_OBJS := $(patsubst user/tool/%.c,$(USER_OUT)/tool/%.o,\
	$(filter-out user/tool/test_%.c,$(wildcard user/tool/*.c)))
USER_TESTS := $(BUILD)/unit/lib_test $(BUILD)/unit/sdma_test

USER_BUILT := $(addprefix $(USER_OUT)/,librocsvm.so.0 librocsvm.so librocsvm.a \
	librocsvm.pc rocsvm examples/first) $(USER_TESTS)

# The header has to be C++ as well; that is looked at where there is a compiler.
ifneq ($(shell command -v $(CXX)),)
USER_BUILT += $(USER_OUT)/cxx.stamp
endif

.PHONY: user
user: $(USER_BUILT)

$(USER_OUT)/lib/%.o: user/lib/%.c
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

$(USER_OUT)/examples/%: user/examples/%.c $(USER_OUT)/librocsvm.a
	@mkdir -p $(@D)
	$(Q)$(CC) $(CFLAGS) -Iuser/lib $(LDFLAGS) -MMD -MP $< $(USER_OUT)/librocsvm.a -o $@

$(BUILD)/unit/lib_test: user/lib/test_lib.c $(USER_OUT)/librocsvm.a $(USER_OUT)/librocsvm.so.0
	@mkdir -p $(@D)
	$(Q)$(CC) $(CFLAGS) $(LDFLAGS) -MMD -MF $(USER_OUT)/lib/test_lib.d -MP -pthread $< \
		$(USER_OUT)/librocsvm.a -ldl -Wl,-rpath,'$$ORIGIN/../user' -o $@

$(BUILD)/unit/sdma_test: $(USER_OUT)/tool/test_sdma.o $(USER_OUT)/tool/sdma.o
	@mkdir -p $(@D)
	$(Q)$(CC) $(CFLAGS) $(LDFLAGS) -pthread $^ -o $@

$(USER_OUT)/cxx.stamp: user/lib/rocsvm.h uapi/linux/rocsvm.h
	@mkdir -p $(@D)
	$(Q)printf '#include "rocsvm.h"\nint main() { return rocsvm_open(nullptr, nullptr); }\n' | \
		$(CXX) -Wall -Wextra -Werror -std=c++11 -Iuapi -Iuser/lib -fsyntax-only -x c++ -
	@touch $@

.PHONY: install-user uninstall-user
install-user: user
	$(Q)install -d $(DESTDIR)$(PREFIX)/bin $(DESTDIR)$(LIBDIR)/pkgconfig \
		$(DESTDIR)$(INCLUDEDIR)/linux $(DESTDIR)$(UDEVDIR) $(USER_MAN_DIRS)
	$(Q)install $(USER_OUT)/rocsvm $(DESTDIR)$(PREFIX)/bin/
	$(Q)install -m 644 $(USER_OUT)/librocsvm.so.0 $(USER_OUT)/librocsvm.a $(DESTDIR)$(LIBDIR)/
	$(Q)ln -sf librocsvm.so.0 $(DESTDIR)$(LIBDIR)/librocsvm.so
	$(Q)$(USER_PC) >$(DESTDIR)$(LIBDIR)/pkgconfig/librocsvm.pc
	$(Q)install -m 644 user/lib/rocsvm.h $(DESTDIR)$(INCLUDEDIR)/
	$(Q)install -m 644 uapi/linux/rocsvm.h $(DESTDIR)$(INCLUDEDIR)/linux/
	$(Q)install -m 644 user/udev/70-rocsvm.rules $(DESTDIR)$(UDEVDIR)/
	$(Q)for page in $(USER_MAN); do \
		install -m 644 user/man/$$page $(DESTDIR)$(MANDIR)/man$${page##*.}/; done
	$(Q)if [ -z "$(DESTDIR)" ]; then \
		ldconfig; udevadm control --reload 2> /dev/null || true; fi

uninstall-user:
	$(Q)rm -f $(DESTDIR)$(PREFIX)/bin/rocsvm \
		$(addprefix $(DESTDIR)$(LIBDIR)/,librocsvm.so.0 librocsvm.so librocsvm.a \
			pkgconfig/librocsvm.pc) \
		$(DESTDIR)$(INCLUDEDIR)/rocsvm.h $(DESTDIR)$(INCLUDEDIR)/linux/rocsvm.h \
		$(DESTDIR)$(UDEVDIR)/70-rocsvm.rules \
		$(foreach page,$(USER_MAN),$(DESTDIR)$(MANDIR)/man$(subst .,,$(suffix $(page)))/$(page))
	$(Q)if [ -z "$(DESTDIR)" ]; then ldconfig; fi

-include $(wildcard $(USER_OUT)/*/*.d)
