// SPDX-License-Identifier: GPL-2.0-only
/*
 * The GPUs of a space: looked up, described, acquired, told of the coherent
 * region.
 */
#include <linux/file.h>
#include <linux/nospec.h>
#include <linux/uaccess.h>

#include "kfd.h"

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

static bool is_any_gpus_kind(u32 kind)
{
	return kind == ROCSVM_KIND_HOST || kind == ROCSVM_KIND_GTT ||
	       kind == ROCSVM_KIND_ADDRESS || kind == ROCSVM_KIND_REGISTERED;
}

/**
 * rocsvm_space_choose_gpu - the GPU that KFD is to keep a buffer for
 * @space: the space
 * @kind: enum rocsvm_kind
 * @gpu_id: KFD's id, or 0 for any one where the kind is no particular GPU's
 *
 * Return: its index, or -ENODEV.
 */
int rocsvm_space_choose_gpu(const struct rocsvm_space *space, u32 kind,
			    u32 gpu_id)
{
	const struct rocsvm_gpu *gpu;
	unsigned int i;
	int index;

	if (!gpu_id && is_any_gpus_kind(kind)) {
		for (i = 0; i < space->num_gpus; i++)
			if (space->gpus[i].acquired && space->gpus[i].canonical)
				return i;
		return -ENODEV;
	}

	index = rocsvm_space_gpu(space, gpu_id);
	if (index < 0)
		return index;
	gpu = &space->gpus[index];
	if (!gpu->acquired)
		return -ENODEV;
	/* Managed apart: what needs no CPU mapping. */
	if (!gpu->canonical && kind != ROCSVM_KIND_GTT &&
	    kind != ROCSVM_KIND_PRIVATE_VRAM)
		return -ENODEV;
	return index;
}

/**
 * rocsvm_space_gpu_mask - translate a list of GPUs, each of them acquired
 * @space: the space
 * @ids: KFD's ids
 * @n: how many, or ROCSVM_ALL_GPUS
 * @mask: out: bit mask by index
 *
 * Return: 0 or -ENODEV.
 */
int rocsvm_space_gpu_mask(const struct rocsvm_space *space, const u32 *ids,
			  unsigned int n, u64 *mask)
{
	unsigned int i;
	int index;

	*mask = 0;
	if (n == ROCSVM_ALL_GPUS) {
		for (i = 0; i < space->num_gpus; i++)
			if (space->gpus[i].acquired && space->gpus[i].canonical)
				*mask |= BIT_ULL(i);
		return *mask ? 0 : -ENODEV;
	}
	for (i = 0; i < n; i++) {
		index = rocsvm_space_gpu(space, ids[i]);
		if (index < 0)
			return index;
		if (!space->gpus[index].acquired)
			return -ENODEV;
		*mask |= BIT_ULL(index);
	}
	return 0;
}

/**
 * rocsvm_copy_gpu_ids - get a list of GPUs from the caller
 * @ids: room for ROCSVM_MAX_GPUS
 * @uptr: the caller's pointer
 * @n: how many; for ROCSVM_ALL_GPUS there is no list
 *
 * Return: 0, -EINVAL or -EFAULT.
 */
int rocsvm_copy_gpu_ids(u32 *ids, u64 uptr, unsigned int n)
{
	u32 __user *uids = u64_to_user_ptr(uptr);
	unsigned int i;

	if (n == ROCSVM_ALL_GPUS)
		return 0;
	if (n > ROCSVM_MAX_GPUS)
		return -EINVAL;
	for (i = 0; i < n; i++)
		if (get_user(ids[i], &uids[i]))
			return -EFAULT;
	return 0;
}

/* The coherent region is two regions side by side, round huge_base. */
static u64 coherent_base(const struct rocsvm_space *space)
{
	return space->regions[ROCSVM_REGION_COHERENT_PAGES].base;
}

static u64 coherent_end(const struct rocsvm_space *space)
{
	return space->regions[ROCSVM_REGION_COHERENT_HUGE].end;
}

static int gpu_set_policy(struct rocsvm_space *space,
			  const struct rocsvm_gpu *gpu)
{
	if (!gpu->canonical)
		return 0;
	return rocsvm_kfd_set_memory_policy(space, gpu->gpu_id,
					    coherent_base(space),
					    coherent_end(space) -
					    coherent_base(space));
}

/**
 * rocsvm_space_set_policy - tell all acquired GPUs where the coherent region is
 * @space: the space
 *
 * Return: 0 or KFD's errno, of the last GPU that had one.
 */
int rocsvm_space_set_policy(struct rocsvm_space *space)
{
	unsigned int i;
	int one, err = 0;

	for (i = 0; i < space->num_gpus; i++) {
		if (!space->gpus[i].acquired)
			continue;
		one = gpu_set_policy(space, &space->gpus[i]);
		if (one)
			err = one;
	}
	return err;
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
	cmd->quarantined_bytes = space->tally[ROCSVM_SHOWN_QUARANTINE].bytes;
	cmd->aperture = space->window.pieces ? ROCSVM_APERTURE_MMAP :
					       ROCSVM_APERTURE_RESERVED;
	cmd->space_flags = space->fallback ? ROCSVM_SPACE_FALLBACK : 0;
	cmd->coherent_base = coherent_base(space);
	cmd->coherent_limit = coherent_end(space) ? coherent_end(space) - 1 : 0;
	cmd->guard = space->no_guard ? 0 : space->guard ?: PAGE_SIZE;
	cmd->max_alignment = space->max_alignment;
	cmd->num_registrations = space->num_registrations;
	cmd->registered_bytes = space->tally[ROCSVM_SHOWN_REGISTERED].bytes;

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

/* Have KFD bind the process to the VM of a render file, once. */
static int gpu_bind(struct rocsvm_space *space, struct rocsvm_gpu *gpu,
		    struct file *drm, int drm_fd)
{
	int err;

	if (gpu->drm == drm)
		return 0;
	if (gpu->acquired)
		return -EBUSY;
	/*
	 * Bound before the space was closed and opened again, or by the program
	 * itself. The VM is still the first file's; any file of that node shows
	 * the right to use it.
	 */
	if (gpu->drm)
		return file_inode(gpu->drm)->i_rdev == file_inode(drm)->i_rdev ?
			       0 : -EBUSY;

	err = rocsvm_kfd_acquire_vm(space, gpu->gpu_id, drm_fd);
	if (!err)
		gpu->drm = get_file(drm);
	return err;
}

/**
 * rocsvm_space_note_vm - the program has bound a VM over KFD's own ioctl
 * @space: the space
 * @gpu_id: the GPU, by KFD's id
 * @drm: the render file
 */
void rocsvm_space_note_vm(struct rocsvm_space *space, u32 gpu_id,
			  struct file *drm)
{
	int index = rocsvm_space_gpu(space, gpu_id);

	lockdep_assert_held(&space->lock);

	if (index >= 0 && !space->gpus[index].drm)
		space->gpus[index].drm = get_file(drm);
}

static int acquire_locked(struct rocsvm_space *space, struct rocsvm_gpu *gpu,
			  struct file *drm, int drm_fd)
{
	int err;

	err = gpu_bind(space, gpu, drm, drm_fd);
	if (err || gpu->acquired)
		return err;
	err = gpu_set_policy(space, gpu);
	if (!err)
		gpu->acquired = true;
	return err;
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
