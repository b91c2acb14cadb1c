// SPDX-License-Identifier: GPL-2.0-only
/*
 * Where the tracepoints are, and which of them one of the module's ioctls is.
 */
#include "view.h"

#define CREATE_TRACE_POINTS
#include "trace.h"

/* An import is an allocation, too. */
static void trace_import(pid_t pid, const struct rocsvm_import *cmd, int err)
{
	const struct rocsvm_alloc alloc = {
		.flags = cmd->flags | ROCSVM_ALLOC_IMPORTED,
		.kind = cmd->kind,
		.gpu_id = cmd->gpu_id,
		.va = cmd->va,
		.length = cmd->length,
		.num_gpus = cmd->num_gpus,
		.tag = cmd->tag,
	};

	trace_alloc(pid, &alloc, err);
}

/**
 * rocsvm_trace_call - tell of one of the module's ioctls
 * @ucmd: the ioctl, executed
 * @nr: its number
 * @err: what it returns
 */
void rocsvm_trace_call(const struct rocsvm_ucmd *ucmd, unsigned int nr, int err)
{
	pid_t pid = ucmd->space->view->pid;
	const void *args = ucmd->cmd;

	switch (nr) {
	case ROCSVM_CMD_ACQUIRE_VM:
		trace_acquire_vm(pid, args, err);
		break;
	case ROCSVM_CMD_ALLOC:
		trace_alloc(pid, args, err);
		break;
	case ROCSVM_CMD_IMPORT:
		if (trace_alloc_enabled())
			trace_import(pid, args, err);
		break;
	case ROCSVM_CMD_FREE:
		trace_free(pid, args, err);
		break;
	case ROCSVM_CMD_MAP:
		trace_map(pid, args, err);
		break;
	case ROCSVM_CMD_UNMAP:
		trace_unmap(pid, args, err);
		break;
	case ROCSVM_CMD_REGISTER:
		trace_register(pid, args, err);
		break;
	case ROCSVM_CMD_UNREGISTER:
		trace_unregister(pid, args, err);
		break;
	}
}
