// SPDX-License-Identifier: MIT
/*
 * Does an access fault? Asked in this very process: a forked child does not
 * have the window, so it would fault everywhere.
 */
#include <setjmp.h>
#include <signal.h>

#include "tool.h"

static sigjmp_buf escape;
static const void *volatile expected;

static void on_fault(int signo, siginfo_t *info, void *context)
{
	(void)signo;
	(void)context;
	/* Any other fault is a bug: returning repeats it with the default action. */
	if (info->si_addr == expected)
		siglongjmp(escape, 1);
	signal(SIGSEGV, SIG_DFL);
}

bool read_faults(const void *ptr)
{
	struct sigaction action = { .sa_sigaction = on_fault, .sa_flags = SA_SIGINFO };
	struct sigaction before;
	volatile bool faulted = false;

	expected = ptr;
	sigaction(SIGSEGV, &action, &before);
	if (!sigsetjmp(escape, 1))
		(void)*(const volatile unsigned char *)ptr;
	else
		faulted = true;
	sigaction(SIGSEGV, &before, NULL);
	return faulted;
}
