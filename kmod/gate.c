// SPDX-License-Identifier: GPL-2.0-only
/*
 * The window's files and what the kernel asks of them: which pages a fault
 * may have (the gate), and who may change the mappings.
 *
 * A window file is a sparse shmem file whose file_operations are replaced
 * before anybody can see it. So vm_file is the file itself and mappings merge
 * again after a piece was replaced; the mapping pins the module; and the
 * file's ->release frees what these callbacks need. They refer to neither the
 * space nor the file, both of which a mapping can outlive.
 *
 * In mappings of these files nothing here looks at current when a page is
 * faulted in: KFD's workers do so on the process's behalf.
 */
#include <linux/delay.h>
#include <linux/file.h>
#include <linux/mman.h>
#include <linux/pagemap.h>
#include <linux/sched/mm.h>
#include <linux/shmem_fs.h>
#include <linux/slab.h>
#include <linux/workqueue.h>

#include "compat.h"
#include "trace.h"
#include "view.h"

/* What a stack may still grow by, and the heap, before it meets the window. */
#define ROCSVM_STACK_DISTANCE	SZ_1G
#define ROCSVM_HEAP_DISTANCE	SZ_16G

/* How long KFD's restore worker rests when a page can't be brought back. */
#define ROCSVM_REFAULT_PAUSE_MS	100

/* shmem's, the same for every shmem file; set with the first file or mapping */
static const struct file_operations *shmem_fops;
static const struct vm_operations_struct *shmem_vm_ops;
static struct vm_operations_struct window_vm_ops;
static DEFINE_SPINLOCK(window_vm_ops_lock);

static struct workqueue_struct *gate_workqueue;

/**
 * rocsvm_gate_init - for the module's init
 *
 * Return: 0 or a negative errno.
 */
int rocsvm_gate_init(void)
{
	gate_workqueue = alloc_workqueue(KBUILD_MODNAME, WQ_UNBOUND, 0);
	return gate_workqueue ? 0 : -ENOMEM;
}

/**
 * rocsvm_gate_exit - undo rocsvm_gate_init()
 */
void rocsvm_gate_exit(void)
{
	destroy_workqueue(gate_workqueue);
}

static bool rocsvm_at_work(const struct rocsvm_work *work)
{
	/* Only the task that stored its own pointer can find it here. */
	return READ_ONCE(work->task) == current;
}

/*
 * Find the opening that contains @pgoff. Lockless: a descent that races with
 * a writer's rotation may miss what is there, so a miss is believed only when
 * no writer was at work. A hit may be on its way out; see window_fault().
 */
static bool gate_find(struct rocsvm_gate *gate, pgoff_t pgoff, pgoff_t *first,
		      pgoff_t *last)
{
	const struct rocsvm_opening *opening;
	struct rb_node *node;
	unsigned int seq;
	bool found = false;

	rcu_read_lock();
	do {
		seq = read_seqbegin(&gate->lock);
		node = rcu_dereference_raw(gate->openings.rb_node);
		while (node) {
			opening = rb_entry(node, struct rocsvm_opening, node);
			if (pgoff < opening->first) {
				node = rcu_dereference_raw(node->rb_left);
			} else if (pgoff > opening->last) {
				node = rcu_dereference_raw(node->rb_right);
			} else {
				*first = opening->first;
				*last = opening->last;
				found = true;
				break;
			}
		}
	} while (!found && read_seqretry(&gate->lock, seq));
	rcu_read_unlock();

	return found;
}

/**
 * rocsvm_gate_open - let faults through to a range of pages
 * @gate: the gate
 * @opening: the pages; no other opening contains one of them
 */
void rocsvm_gate_open(struct rocsvm_gate *gate, struct rocsvm_opening *opening)
{
	struct rb_node **link, *parent = NULL;

	write_seqlock(&gate->lock);
	link = &gate->openings.rb_node;
	while (*link) {
		parent = *link;
		if (opening->first <
		    rb_entry(parent, struct rocsvm_opening, node)->first)
			link = &parent->rb_left;
		else
			link = &parent->rb_right;
	}
	/*
	 * Readers may follow the link at once: what it leads to comes first,
	 * a node of zeros, as rb_link_node() makes it.
	 */
	smp_wmb();
	rb_link_node(&opening->node, parent, link);
	rb_insert_color(&opening->node, &gate->openings);
	write_sequnlock(&gate->lock);
}

/**
 * rocsvm_gate_close - let no more faults through
 * @gate: the gate
 * @opening: what rocsvm_gate_open() was given; free it after a grace
 *	period of RCU
 *
 * A fault that is already through can still insert its page. The caller
 * punches the pages out after this: either it finds such a page, or the fault
 * finds the gate closed and maps nothing.
 */
void rocsvm_gate_close(struct rocsvm_gate *gate,
		       struct rocsvm_opening *opening)
{
	write_seqlock(&gate->lock);
	rb_erase(&opening->node, &gate->openings);
	write_sequnlock(&gate->lock);

	/*
	 * Closed before the page cache is searched. Pairs with the barrier in
	 * window_fault(), where a page is inserted before the gate is asked:
	 * one of the two sees the other.
	 */
	smp_mb();
}

/**
 * rocsvm_gate_shut - close the gate for everything
 * @gate: the gate
 */
void rocsvm_gate_shut(struct rocsvm_gate *gate)
{
	write_seqlock(&gate->lock);
	gate->openings = RB_ROOT;
	write_sequnlock(&gate->lock);
}

static void gate_truncate(struct work_struct *work)
{
	struct rocsvm_gate *gate = container_of(work, struct rocsvm_gate,
						truncate);

	shmem_truncate_range(file_inode(gate->file), 0, (loff_t)-1);
	fput(gate->file);
}

/**
 * rocsvm_gate_end - let go of a window file, and of the memory in it
 * @file: the file; the caller's reference is consumed
 *
 * The memory goes with the file, unless a mapping in another process keeps
 * that: then it is taken out. By a worker, as this is called in contexts in
 * which locks may be held.
 */
void rocsvm_gate_end(struct file *file)
{
	struct rocsvm_gate *gate = file->private_data;

	rocsvm_gate_shut(gate);
	if (!READ_ONCE(gate->inherited)) {
		fput(file);
		return;
	}
	gate->file = file;
	queue_work(gate_workqueue, &gate->truncate);
}

/*
 * A page can't be brought back: no memory, an error of the swap device. KFD's
 * restore worker takes that for success, and GPUs would go on with the pages
 * that the buffer had last, which are somebody else's by now. What has been
 * invalidated meanwhile it tries again, with the queues stopped.
 */
static void window_fault_failed(struct vm_fault *vmf)
{
	if (!(vmf->flags & FAULT_FLAG_REMOTE))
		return;
	unmap_mapping_pages(vmf->vma->vm_file->f_mapping, vmf->pgoff, 1, false);
	/* It would try all the time. */
	if (current->flags & PF_KTHREAD)
		msleep(ROCSVM_REFAULT_PAUSE_MS);
}

static vm_fault_t window_refuse(const struct rocsvm_gate *gate,
				const struct vm_fault *vmf)
{
	struct rocsvm_view *view = gate->work->view;

	rocsvm_stat_inc(view, ROCSVM_STAT_FAULTS_REFUSED);
	trace_fault_refused(view->pid, vmf->address,
			    vmf->flags & FAULT_FLAG_WRITE);
	return VM_FAULT_SIGSEGV;
}

static vm_fault_t window_fault(struct vm_fault *vmf)
{
	struct rocsvm_gate *gate = vmf->vma->vm_file->private_data;
	pgoff_t pgoff = vmf->pgoff, first, last;
	vm_fault_t ret;

	/* MADV_DOFORK and fork() can put the mapping into another process. */
	if (vmf->vma->vm_mm != gate->work->mm ||
	    !gate_find(gate, pgoff, &first, &last))
		return window_refuse(gate, vmf);

	ret = shmem_vm_ops->fault(vmf);
	if (ret & VM_FAULT_ERROR)
		window_fault_failed(vmf);
	/* Without the page lock the mapping may be gone: touch nothing. */
	if (!(ret & VM_FAULT_LOCKED))
		return ret;

	/*
	 * The buffer may have been freed while the page was brought in, and
	 * its pages punched out before this one came. Punching takes the page
	 * lock, which is held here: whoever closes the gate from now on finds
	 * the page. Pairs with the barrier in rocsvm_gate_close().
	 */
	smp_mb();
	if (likely(gate_find(gate, pgoff, &first, &last)))
		return ret;

	/* A page of zeros, as it came after the old ones were punched out. */
	WRITE_ONCE(gate->leftovers, true);
	unlock_page(vmf->page);
	put_page(vmf->page);
	vmf->page = NULL;
	return window_refuse(gate, vmf);
}

/*
 * Fault-around, which asks no ->fault: keep it inside the buffer. It must
 * exist, or kernels with per-VMA locks repeat every fault under mmap_lock.
 */
static vm_fault_t window_map_pages(struct vm_fault *vmf, pgoff_t start,
				   pgoff_t end)
{
	struct rocsvm_gate *gate = vmf->vma->vm_file->private_data;
	pgoff_t first, last;

	if (vmf->vma->vm_mm != gate->work->mm ||
	    !gate_find(gate, vmf->pgoff, &first, &last))
		return 0;

	return shmem_vm_ops->map_pages(vmf, max(start, first), min(end, last));
}

/*
 * Whatever changes a part of a mapping splits it first: munmap, mprotect,
 * MAP_FIXED, madvise, mlock, mbind. Nobody but the module may.
 */
static int window_may_split(struct vm_area_struct *vma, unsigned long addr)
{
	const struct rocsvm_gate *gate = vma->vm_file->private_data;

	return rocsvm_at_work(gate->work) ? 0 : -EBUSY;
}

/* fork() after MADV_DOFORK: a mapping that nobody can use, but that stays. */
static void window_vma_open(struct vm_area_struct *vma)
{
	struct rocsvm_gate *gate = vma->vm_file->private_data;

	if (vma->vm_mm != gate->work->mm)
		WRITE_ONCE(gate->inherited, true);
}

/* Take shmem's vm_ops from the first mapping, replace what is ours. */
static void window_set_vm_ops(struct vm_area_struct *vma)
{
	spin_lock(&window_vm_ops_lock);
	if (!shmem_vm_ops) {
		window_vm_ops = *vma->vm_ops;
		window_vm_ops.fault = window_fault;
		window_vm_ops.map_pages = window_map_pages;
		window_vm_ops.may_split = window_may_split;
		window_vm_ops.open = window_vma_open;
		shmem_vm_ops = vma->vm_ops;
	}
	spin_unlock(&window_vm_ops_lock);

	vma->vm_ops = &window_vm_ops;
}

/* A carve: the driver's mapping takes the place of a piece of the window. */
static int window_mmap_driver(struct rocsvm_work *work,
			      struct vm_area_struct *vma)
{
	int err;

	vma_set_file(vma, work->file);
	vma->vm_pgoff = work->file_pgoff;
	err = work->file->f_op->mmap(work->file, vma);
	if (err)
		return err;
	work->file_pgoff = vma->vm_pgoff;

	/* Or a forked child would keep the memory after the owner freed it. */
	vm_flags_set(vma, VM_DONTCOPY);
	return 0;
}

static int window_mmap(struct file *file, struct vm_area_struct *vma)
{
	struct rocsvm_gate *gate = file->private_data;
	int err;

	/* ->get_unmapped_area() has refused everybody else. */
	if (WARN_ON_ONCE(!rocsvm_at_work(gate->work)))
		return -EPERM;

	if (gate->work->file)
		return window_mmap_driver(gate->work, vma);

	err = shmem_fops->mmap(file, vma);
	if (err)
		return err;

	window_set_vm_ops(vma);
	vm_flags_set(vma, gate->flags);
	return 0;
}

/*
 * Every mapping in the range is the expected file's, at the expected offset,
 * and there is no hole. mmap() replaces under the same lock what stands there.
 */
static bool window_is_expected(struct rocsvm_work *work, unsigned long addr,
			       unsigned long len)
{
	VMA_ITERATOR(vmi, work->mm, addr);
	struct vm_area_struct *vma;
	unsigned long cursor = addr;

	for_each_vma_range(vmi, vma, addr + len) {
		if (vma->vm_start > cursor || vma->vm_file != work->expect)
			return false;
		if (work->expect_start &&
		    vma->vm_pgoff - (vma->vm_start >> PAGE_SHIFT) !=
		    work->expect_pgoff - (work->expect_start >> PAGE_SHIFT))
			return false;
		cursor = vma->vm_end;
	}
	return cursor >= addr + len;
}

/* Called in do_mmap(), with mmap_lock held for writing. */
static unsigned long window_get_unmapped_area(struct file *file,
					      unsigned long addr,
					      unsigned long len,
					      unsigned long pgoff,
					      unsigned long flags)
{
	struct rocsvm_gate *gate = file->private_data;
	struct rocsvm_work *work = gate->work;

	/*
	 * mremap() and remap_file_pages() come here too. This is the place to
	 * refuse them: when ->mmap() is asked, the old mapping is gone already.
	 */
	if (!rocsvm_at_work(work) || current->mm != work->mm)
		return -EPERM;

	lockdep_assert_held_write(&current->mm->mmap_lock);

	if (!(flags & MAP_FIXED))
		return rocsvm_search_mm(work->mm, work->search,
					work->search->length);
	if (work->expect && !window_is_expected(work, addr, len))
		return -EFAULT;
	return addr;
}

static int window_release(struct inode *inode, struct file *file)
{
	struct rocsvm_gate *gate = file->private_data;

	rocsvm_work_put(gate->work);
	kfree(gate);
	return 0;
}

static const struct file_operations window_fops = {
	.owner = THIS_MODULE,
	.mmap = window_mmap,
	.get_unmapped_area = window_get_unmapped_area,
	.release = window_release,
};

/**
 * rocsvm_gate_file - create a window file with a closed gate
 * @mnt: the tmpfs mount to create it on
 * @name: how /proc/PID/maps shows it
 * @length: bytes of address space that it backs
 * @pgoff: its first offset that is used, in pages
 * @work: the licence; the file takes a reference of its own
 * @flags: VM_* flags of its mappings
 *
 * Return: the file, or an ERR_PTR().
 */
struct file *rocsvm_gate_file(struct vfsmount *mnt, const char *name,
			      unsigned long length, pgoff_t pgoff,
			      struct rocsvm_work *work, vm_flags_t flags)
{
	loff_t size = length + (pgoff << PAGE_SHIFT);
	struct rocsvm_gate *gate;
	struct file *file;

	gate = kzalloc(sizeof(*gate), ROCSVM_GFP);
	if (!gate)
		return ERR_PTR(-ENOMEM);
	seqlock_init(&gate->lock);
	gate->openings = RB_ROOT;
	INIT_WORK(&gate->truncate, gate_truncate);
	gate->flags = flags;
	gate->pgoff = pgoff;

	file = shmem_file_setup_with_mnt(mnt, name, size, VM_NORESERVE);
	if (IS_ERR(file)) {
		kfree(gate);
		/* What tmpfs says when it has no memory for an inode. */
		return file == ERR_PTR(-ENOSPC) ? ERR_PTR(-ENOMEM) : file;
	}

	refcount_inc(&work->ref);
	gate->work = work;
	/* shmem is built in: the old operations hold no module. */
	WRITE_ONCE(shmem_fops, file->f_op);
	__module_get(THIS_MODULE);
	file->f_op = &window_fops;
	/* As if opened with them: there is nothing to read by, or to seek. */
	file->f_mode &= ~(FMODE_CAN_READ | FMODE_CAN_WRITE | FMODE_LSEEK |
			  FMODE_PREAD | FMODE_PWRITE);
	file->private_data = gate;
	return file;
}

/**
 * rocsvm_work_create - make a licence for a space's mm
 * @space: the space
 *
 * Return: the licence with one reference, or NULL.
 */
struct rocsvm_work *rocsvm_work_create(const struct rocsvm_space *space)
{
	struct rocsvm_work *work = kzalloc(sizeof(*work), ROCSVM_GFP);

	if (!work)
		return NULL;
	refcount_set(&work->ref, 1);
	mmgrab(space->mn.mm);
	work->mm = space->mn.mm;
	work->view = rocsvm_view_get(space->view);
	return work;
}

/**
 * rocsvm_work_begin - from now on the current task may change the window
 * @work: the licence; under space->lock
 */
void rocsvm_work_begin(struct rocsvm_work *work)
{
	WRITE_ONCE(work->task, current);
}

/**
 * rocsvm_work_end - undo rocsvm_work_begin(), and forget what was set since
 * @work: the licence
 */
void rocsvm_work_end(struct rocsvm_work *work)
{
	work->search = NULL;
	work->expect = NULL;
	work->expect_start = 0;
	work->file = NULL;
	WRITE_ONCE(work->task, NULL);
}

/**
 * rocsvm_work_put - drop a reference
 * @work: the licence
 */
void rocsvm_work_put(struct rocsvm_work *work)
{
	if (!refcount_dec_and_test(&work->ref))
		return;
	mmdrop(work->mm);
	rocsvm_view_put(work->view);
	kfree(work);
}

/**
 * rocsvm_search_mm - search an address space for the window's place
 * @mm: its mmap_lock is held, for reading at least
 * @search: what is wanted; the results are filled in
 * @smallest: gaps of fewer bytes are passed over; the kernel's tree of mappings
 *	finds the others without a look at each mapping
 *
 * Keeps a distance from stacks, which grow down, and from the heap.
 *
 * Return: the address, or -ENOMEM.
 */
unsigned long rocsvm_search_mm(struct mm_struct *mm,
			       struct rocsvm_search *search,
			       unsigned long smallest)
{
	MA_STATE(mas, &mm->mm_mt, 0, 0);
	u64 heap = mm->start_brk;
	u64 heap_end = ALIGN(mm->brk, SZ_1G) + ROCSVM_HEAP_DISTANCE;
	/* From @start on there is no gap, up to the next; none is below @addr. */
	u64 start = search->low, addr = start, gap;
	const struct vm_area_struct *vma;
	bool heap_done = false;

	lockdep_assert_held(&mm->mmap_lock);

	rocsvm_search_begin(search);
	while (start < search->end) {
		gap = search->end;
		mas_reset(&mas);
		if (addr < gap && !mas_empty_area(&mas, addr, gap - 1, smallest))
			gap = mas.index;
		if (!heap_done && start >= heap) {
			rocsvm_search_occupied(search, heap, heap_end);
			heap_done = true;
		}
		rocsvm_search_occupied(search, start, gap);
		if (gap >= search->end)
			break;

		vma = find_vma(mm, gap);
		if (!vma)
			break;
		start = vma->vm_start;
		addr = vma->vm_end;
		if (vma->vm_flags & VM_GROWSDOWN)
			start -= min_t(u64, start, ROCSVM_STACK_DISTANCE);
	}
	if (!heap_done)
		rocsvm_search_occupied(search, heap, heap_end);
	rocsvm_search_end(search);

	return search->found ? search->base : -ENOMEM;
}
