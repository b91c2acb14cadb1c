// SPDX-License-Identifier: GPL-2.0-only
/*
 * The GPUs of a space: looked up, described, acquired.
 */
#include <linux/file.h>
#include <linux/nospec.h>

#include "rocsvm.h"

/**
 * rocsvm_space_gpu - look a GPU up
 * @space: the space
 * @gpu_id: KFD's id
 *
 * Return: its index, or -ENODEV.
 */
int rocsvm_space_gpu(const struct rocsvm_space *space, u32 gpu_id)
{
	unsigned int i;

	for (i = 0; i < space->num_gpus; i++)
		if (space->gpus[i].gpu_id == gpu_id)
			return i;
	return -ENODEV;
}

/* ioctl(ROCSVM_INFO) */
int rocsvm_info(struct rocsvm_ucmd *ucmd)
{
	struct rocsvm_space *space = ucmd->space;
	struct rocsvm_info *cmd = ucmd->cmd;
	unsigned int i;

	if (cmd->flags || cmd->__reserved)
		return -EOPNOTSUPP;
	if (mutex_lock_killable(&space->lock))
		return -EINTR;

	cmd->abi = ROCSVM_ABI;
	cmd->num_gpus = space->num_gpus;
	cmd->num_acquired = 0;
	for (i = 0; i < space->num_gpus; i++)
		cmd->num_acquired += space->gpus[i].acquired;
	cmd->svm_base = space->svm.base;
	cmd->svm_limit = space->svm.limit;
	cmd->svm_alignment = PAGE_SIZE;
	cmd->window_base = space->window.base;
	cmd->window_limit = space->window.limit;
	cmd->huge_base = space->window.huge_base;
	cmd->num_buffers = space->num_buffers;
	cmd->buffer_bytes = space->buffer_bytes;
	cmd->quarantined_bytes = space->quarantined_bytes;

	mutex_unlock(&space->lock);
	return rocsvm_ucmd_respond(ucmd);
}

/* ioctl(ROCSVM_GPU_INFO) */
int rocsvm_gpu_info(struct rocsvm_ucmd *ucmd)
{
	struct rocsvm_space *space = ucmd->space;
	struct rocsvm_gpu_info *cmd = ucmd->cmd;
	const struct rocsvm_gpu *gpu;

	if (cmd->flags || cmd->__reserved)
		return -EOPNOTSUPP;
	if (mutex_lock_killable(&space->lock))
		return -EINTR;
	if (cmd->index >= space->num_gpus) {
		mutex_unlock(&space->lock);
		return -ENODEV;
	}

	gpu = &space->gpus[array_index_nospec(cmd->index, space->num_gpus)];
	cmd->gpu_id = gpu->gpu_id;
	cmd->gpu_flags = (gpu->canonical ? ROCSVM_GPU_CANONICAL : 0) |
			 (gpu->acquired ? ROCSVM_GPU_ACQUIRED : 0);
	cmd->gpuvm_base = gpu->gpuvm.base;
	cmd->gpuvm_limit = gpu->gpuvm.limit;
	cmd->lds_base = gpu->lds.base;
	cmd->lds_limit = gpu->lds.limit;
	cmd->scratch_base = gpu->scratch.base;
	cmd->scratch_limit = gpu->scratch.limit;

	mutex_unlock(&space->lock);
	return rocsvm_ucmd_respond(ucmd);
}

static int acquire_locked(struct rocsvm_space *space, struct rocsvm_gpu *gpu,
			  struct file *drm, int drm_fd)
{
	int err;

	if (gpu->drm == drm) {
		gpu->acquired = true;
		return 0;
	}
	if (gpu->acquired)
		return -EBUSY;
	/*
	 * Bound before the space was closed and opened again. The VM is still
	 * the first file's; any file of that node shows the right to use it.
	 */
	if (gpu->drm) {
		if (file_inode(gpu->drm)->i_rdev != file_inode(drm)->i_rdev)
			return -EBUSY;
		gpu->acquired = true;
		return 0;
	}

	err = rocsvm_kfd_acquire_vm(space, gpu->gpu_id, drm_fd);
	if (err)
		return err;
	gpu->drm = get_file(drm);
	gpu->acquired = true;
	return 0;
}

/* ioctl(ROCSVM_ACQUIRE_VM) */
int rocsvm_acquire_vm(struct rocsvm_ucmd *ucmd)
{
	struct rocsvm_space *space = ucmd->space;
	struct rocsvm_acquire_vm *cmd = ucmd->cmd;
	struct file *drm;
	int index, err;

	if (cmd->flags)
		return -EOPNOTSUPP;
	drm = rocsvm_kfd_render_file(cmd->drm_fd);
	if (IS_ERR(drm))
		return PTR_ERR(drm);
	if (mutex_lock_killable(&space->lock)) {
		err = -EINTR;
		goto out_put;
	}

	index = rocsvm_space_gpu(space, cmd->gpu_id);
	if (index < 0) {
		err = index;
		goto out_unlock;
	}
	err = acquire_locked(space, &space->gpus[index], drm, cmd->drm_fd);
out_unlock:
	mutex_unlock(&space->lock);
out_put:
	fput(drm);
	return err;
}
