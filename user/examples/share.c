// SPDX-License-Identifier: MIT
/*
 * Sharing between two processes: one exports a buffer, sends the descriptor
 * over a UNIX socket, and is done; the other imports it, and its GPU reads what
 * the first one's CPU wrote.
 */
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "example.h"

static const char text[] = "from one process to the other";

union control {
	char bytes[CMSG_SPACE(sizeof(int))];
	struct cmsghdr align;
};

static void send_fd(int socket, int fd)
{
	union control control = { { 0 } };
	struct iovec data = { .iov_base = "", .iov_len = 1 };
	struct msghdr message = {
		.msg_iov = &data, .msg_iovlen = 1,
		.msg_control = &control, .msg_controllen = sizeof(control),
	};
	struct cmsghdr *header = CMSG_FIRSTHDR(&message);

	header->cmsg_level = SOL_SOCKET;
	header->cmsg_type = SCM_RIGHTS;
	header->cmsg_len = CMSG_LEN(sizeof(fd));
	memcpy(CMSG_DATA(header), &fd, sizeof(fd));
	EXPECT(sendmsg(socket, &message, 0) == 1);
}

static int receive_fd(int socket)
{
	union control control;
	char byte;
	struct iovec data = { .iov_base = &byte, .iov_len = 1 };
	struct msghdr message = {
		.msg_iov = &data, .msg_iovlen = 1,
		.msg_control = &control, .msg_controllen = sizeof(control),
	};
	struct cmsghdr *header;
	int fd;

	EXPECT(recvmsg(socket, &message, MSG_CMSG_CLOEXEC) == 1);
	header = CMSG_FIRSTHDR(&message);
	EXPECT(header && header->cmsg_type == SCM_RIGHTS);
	memcpy(&fd, CMSG_DATA(header), sizeof(fd));
	return fd;
}

static void give(int socket)
{
	struct rocsvm_ctx *ctx;
	uint32_t gpu_id;
	void *buffer;
	int fd;

	ctx = start(&gpu_id);
	CALL(rocsvm_alloc(ctx, &buffer, 4096, ROCSVM_KIND_GTT, gpu_id, 0));
	strcpy(buffer, text);
	fd = CALL(rocsvm_export(ctx, buffer));
	printf("process %d exports %p\n", getpid(), buffer);
	fflush(stdout);
	send_fd(socket, fd);
	close(fd);
	CALL(rocsvm_free(ctx, buffer));
	rocsvm_unref(ctx);
}

static void take(int socket)
{
	int fd = receive_fd(socket);
	struct rocsvm_ctx *ctx;
	void *shared, *host;
	uint32_t gpu_id;
	size_t length;

	/* Wait until the other process has closed all: the memory is still there. */
	EXPECT(read(socket, &length, 1) == 0);
	ctx = start(&gpu_id);
	CALL(rocsvm_import(ctx, fd, &shared, &length, 0));
	close(fd);
	CALL(rocsvm_map(ctx, shared, &gpu_id, 1));
	CALL(rocsvm_alloc(ctx, &host, 4096, ROCSVM_KIND_HOST, 0, 0));
	CALL(rocsvm_map(ctx, host, &gpu_id, 1));
	gpu_copy(ctx, gpu_id, host, shared, sizeof(text));
	EXPECT(length == 4096 && !strcmp(shared, text) && !strcmp(host, text));
	printf("process %d imports it at %p: \"%s\"\n", getpid(), shared, (char *)host);
	CALL(rocsvm_free(ctx, shared));
	CALL(rocsvm_free(ctx, host));
	rocsvm_unref(ctx);
}

int main(void)
{
	int sockets[2], status;
	pid_t child;

	EXPECT(!socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, sockets));
	child = fork();
	EXPECT(child >= 0);
	close(sockets[child ? 0 : 1]);
	if (!child) {
		give(sockets[0]);
		return 0;
	}
	take(sockets[1]);
	EXPECT(waitpid(child, &status, 0) == child && status == 0);
	return 0;
}
