// SPDX-License-Identifier: MIT
/*
 * proxy.c - the far end of QEMU's x-pci-proxy-dev: its messages, served one
 * by one until QEMU is gone.
 *
 * Protocol: hw/remote/mpqemu-link.c and include/hw/remote/mpqemu-link.h of
 * QEMU 7.2. Structures in the host's byte order over a stream socket: a
 * header of 16 bytes, then its size in payload; file descriptors come with
 * the header. The device is experimental in QEMU: other versions may differ.
 */
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "gpu.h"

#define RETRY_MS 1	/* how often a waiting queue looks again */

enum mpqemu_command {	/* MPQemuCmd */
	SYNC_SYSMEM,
	RET,
	PCI_CFGWRITE,
	PCI_CFGREAD,
	BAR_WRITE,
	BAR_READ,
	SET_IRQFD,
	DEVICE_RESET,
};

struct mpqemu_header {
	int32_t command;
	int32_t padding;
	uint64_t size;
};

struct config_access {		/* PciConfDataMsg */
	uint32_t address;
	uint32_t value;
	int32_t length;
};

struct bar_access {		/* BarAccessMsg */
	uint64_t address;
	uint64_t value;
	uint32_t size;
	uint8_t memory;
	uint8_t padding[3];
};

struct sysmem {			/* SyncSysmemMsg */
	uint64_t gpa[SYSMEM_REGIONS];
	uint64_t size[SYSMEM_REGIONS];
	int64_t offset[SYSMEM_REGIONS];
};

struct message {
	struct mpqemu_header header;
	union {
		struct config_access config;
		struct bar_access bar;
		struct sysmem sysmem;
	};
	int fds[SYSMEM_REGIONS];
	int nr_fds;
};

static bool read_all(int fd, void *buffer, size_t length)
{
	uint8_t *p = buffer;

	while (length) {
		ssize_t n = read(fd, p, length);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return false;
		p += n;
		length -= n;
	}
	return true;
}

static bool receive(struct gpu *gpu, struct message *m)
{
	char control[CMSG_SPACE(sizeof(m->fds))];
	struct iovec io = { .iov_base = &m->header, .iov_len = sizeof(m->header) };
	struct msghdr h = {
		.msg_iov = &io, .msg_iovlen = 1,
		.msg_control = control, .msg_controllen = sizeof(control),
	};
	ssize_t n;

	memset(m, 0, sizeof(*m));
	do {
		n = recvmsg(gpu->proxy_fd, &h, MSG_CMSG_CLOEXEC);
	} while (n < 0 && errno == EINTR);
	if (n <= 0)
		return false;
	for (struct cmsghdr *c = CMSG_FIRSTHDR(&h); c; c = CMSG_NXTHDR(&h, c)) {
		if (c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_RIGHTS)
			continue;
		m->nr_fds = (c->cmsg_len - CMSG_LEN(0)) / sizeof(int);
		memcpy(m->fds, CMSG_DATA(c), m->nr_fds * sizeof(int));
	}
	if (!read_all(gpu->proxy_fd, (uint8_t *)&m->header + n, sizeof(m->header) - n))
		return false;
	if (m->header.size > sizeof(m->sysmem)) {
		gpu_problem(gpu, "QEMU's message %d has %llu bytes", m->header.command,
			    (unsigned long long)m->header.size);
		return false;
	}
	return read_all(gpu->proxy_fd, &m->sysmem, m->header.size);
}

static bool reply(struct gpu *gpu, uint64_t size, uint64_t value)
{
	struct {
		struct mpqemu_header header;
		uint64_t value;
	} r = { .header = { .command = RET, .size = size }, .value = value };
	size_t length = sizeof(r.header) + size;

	return send(gpu->proxy_fd, &r, length, MSG_NOSIGNAL) == (ssize_t)length;
}

/* QEMU tells anew, and often, where guest RAM lies. */
static void sync_sysmem(struct gpu *gpu, const struct message *m)
{
	sysmem_clear(gpu);
	for (int i = 0; i < m->nr_fds; i++) {
		if (!sysmem_add(gpu, m->fds[i], m->sysmem.gpa[i], m->sysmem.size[i],
				m->sysmem.offset[i]))
			gpu_problem(gpu, "can't map guest RAM at %#llx",
				    (unsigned long long)m->sysmem.gpa[i]);
		gpu_trace(gpu, "guest RAM %#llx + %#llx\n", (unsigned long long)m->sysmem.gpa[i],
			  (unsigned long long)m->sysmem.size[i]);
	}
}

static bool handle(struct gpu *gpu, const struct message *m)
{
	const struct config_access *config = &m->config;
	const struct bar_access *bar = &m->bar;

	switch (m->header.command) {
	case SYNC_SYSMEM:
		sync_sysmem(gpu, m);
		return true;			/* no reply */
	case SET_IRQFD:
		return true;			/* of no use without KVM; no reply */
	case PCI_CFGREAD:
		return reply(gpu, 8, pci_config_read(gpu, config->address, config->length));
	case PCI_CFGWRITE:
		pci_config_write(gpu, config->address, config->value, config->length);
		return reply(gpu, 8, 0);
	case BAR_READ:
		return reply(gpu, 8, pci_bar_read(gpu, bar->address, bar->size, bar->memory));
	case BAR_WRITE:
		pci_bar_write(gpu, bar->address, bar->size, bar->memory, bar->value);
		return reply(gpu, 8, 0);
	case DEVICE_RESET:
		gpu_trace(gpu, "reset\n");
		pci_reset(gpu);
		mmio_reset(gpu);
		return reply(gpu, 0, 0);
	default:
		gpu_problem(gpu, "QEMU's message %d is unknown", m->header.command);
		return false;
	}
}

/* Returns when QEMU has closed its end. */
int proxy_serve(struct gpu *gpu)
{
	struct pollfd socket = { .fd = gpu->proxy_fd, .events = POLLIN };
	struct message m;

	for (;;) {
		bool more;

		if (gpu->waiting && poll(&socket, 1, RETRY_MS) == 0) {
			queues_retry(gpu);
			continue;
		}
		if (!receive(gpu, &m))
			return 0;
		more = handle(gpu, &m);
		for (int i = 0; i < m.nr_fds; i++)
			close(m.fds[i]);
		if (!more)
			return 0;
	}
}
