// SPDX-License-Identifier: MIT
/*
 * Opens /dev/rocsvm and prints the window's first and last address; exits with
 * 1 and the error's number if it can't. Linked in several ways, it shows that
 * the window does not depend on where a program's own memory is.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>

#include <linux/rocsvm.h>

int main(void)
{
	struct rocsvm_info info = { .size = sizeof(info) };
	int fd = open("/dev/rocsvm", O_RDWR | O_CLOEXEC);

	if (fd < 0 || ioctl(fd, ROCSVM_INFO, &info)) {
		printf("error %d %s\n", errno, strerror(errno));
		return 1;
	}
	printf("%llx %llx main at %lx\n",
	       (unsigned long long)info.window_base,
	       (unsigned long long)info.window_limit, (unsigned long)main);
	return 0;
}
