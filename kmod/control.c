// SPDX-License-Identifier: GPL-2.0-only
/*
 * The control page: memory of the process through which KFD is called.
 *
 * KFD copies its arguments from user memory, and open and close have no
 * argument of the caller's to use. So there is one kernel page in a mapping
 * of its own. It is written and read through its user address only, as KFD
 * does: whatever the program does to the mapping, module and KFD see the same
 * bytes or both get -EFAULT. Nothing that comes back is trusted.
 */
#include <linux/anon_inodes.h>
#include <linux/err.h>
#include <linux/file.h>
#include <linux/gfp.h>
#include <linux/mman.h>

#include "compat.h"
#include "rocsvm.h"

static vm_fault_t control_fault(struct vm_fault *vmf)
{
	struct page *page = vmf->vma->vm_file->private_data;

	if (vmf->pgoff)
		return VM_FAULT_SIGBUS;
	get_page(page);
	vmf->page = page;
	return 0;
}

static const struct vm_operations_struct control_vm_ops = {
	.fault = control_fault,
};

static int control_mmap(struct file *file, struct vm_area_struct *vma)
{
	vma->vm_ops = &control_vm_ops;
	/* DONTEXPAND: it also stands behind the window as its stopper. */
	vm_flags_set(vma, VM_DONTCOPY | VM_DONTDUMP | VM_DONTEXPAND);
	/* A program with READ_IMPLIES_EXEC would have it executable. */
	vm_flags_clear(vma, VM_EXEC | VM_MAYEXEC);
	return 0;
}

static int control_release(struct inode *inode, struct file *file)
{
	put_page(file->private_data);
	return 0;
}

static const struct file_operations control_fops = {
	.owner = THIS_MODULE,
	.mmap = control_mmap,
	.release = control_release,
};

static unsigned long control_vm_mmap(struct file *file, unsigned long addr)
{
	return vm_mmap(file, addr, PAGE_SIZE, PROT_READ | PROT_WRITE,
		       MAP_SHARED | (addr ? MAP_FIXED_NOREPLACE : 0), 0);
}

/**
 * rocsvm_control_create - make the control page, and map it anywhere
 * @control: all zeros; filled in on success
 *
 * Return: 0 or a negative errno.
 */
int rocsvm_control_create(struct rocsvm_control *control)
{
	struct file *file;
	struct page *page;
	unsigned long addr;

	page = alloc_page(GFP_KERNEL_ACCOUNT | __GFP_ZERO);
	if (!page)
		return -ENOMEM;

	file = anon_inode_getfile("[rocsvm]", &control_fops, page, O_RDWR);
	if (IS_ERR(file)) {
		put_page(page);
		return PTR_ERR(file);
	}

	addr = control_vm_mmap(file, 0);
	if (IS_ERR_VALUE(addr)) {
		fput(file);
		return addr;
	}
	control->file = file;
	control->addr = addr;
	return 0;
}

/**
 * rocsvm_control_place - move the control page
 * @control: the control page
 * @addr: where to, or 0 for anywhere
 *
 * Return: 0, or a negative errno if something stands there; the page stays
 * where it was then.
 */
int rocsvm_control_place(struct rocsvm_control *control, unsigned long addr)
{
	unsigned long ret;

	ret = control_vm_mmap(control->file, addr);
	if (IS_ERR_VALUE(ret))
		return ret;

	rocsvm_control_unmap(control);
	control->addr = ret;
	return 0;
}

/**
 * rocsvm_control_unmap - unmap the control page
 * @control: the control page
 */
void rocsvm_control_unmap(struct rocsvm_control *control)
{
	struct mm_struct *mm = current->mm;
	struct vm_area_struct *vma;
	bool ours;

	if (!control->addr)
		return;

	mmap_read_lock(mm);
	vma = find_vma(mm, control->addr);
	ours = vma && vma->vm_start <= control->addr &&
	       vma->vm_file == control->file;
	mmap_read_unlock(mm);

	if (ours)
		rocsvm_munmap(control->addr, PAGE_SIZE);
	control->addr = 0;
}

/**
 * rocsvm_control_drop - let go of the control page
 * @control: the control page; all zeros afterwards
 *
 * Touches no mapping: one that is left keeps the page.
 */
void rocsvm_control_drop(struct rocsvm_control *control)
{
	if (control->file)
		fput(control->file);
	control->file = NULL;
	control->addr = 0;
}
