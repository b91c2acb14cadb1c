/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Tracepoints, system "rocsvm". Each has the process that the space belongs to
 * (pid), which need not be the one that is running, and what the call returned.
 * num_gpus is what was asked for: -1 is ROCSVM_ALL_GPUS.
 */
#undef TRACE_SYSTEM
#define TRACE_SYSTEM rocsvm

#if !defined(_ROCSVM_TRACE_H) || defined(TRACE_HEADER_MULTI_READ)
#define _ROCSVM_TRACE_H

#include <linux/kfd_ioctl.h>
#include <linux/rocsvm.h>
#include <linux/tracepoint.h>

/* The tools that read a trace know no enum of C. */
TRACE_DEFINE_ENUM(ROCSVM_KIND_HOST);
TRACE_DEFINE_ENUM(ROCSVM_KIND_GTT);
TRACE_DEFINE_ENUM(ROCSVM_KIND_VRAM);
TRACE_DEFINE_ENUM(ROCSVM_KIND_PRIVATE_VRAM);
TRACE_DEFINE_ENUM(ROCSVM_KIND_DOORBELL);
TRACE_DEFINE_ENUM(ROCSVM_KIND_MMIO_REMAP);
TRACE_DEFINE_ENUM(ROCSVM_KIND_ADDRESS);
TRACE_DEFINE_ENUM(ROCSVM_KIND_SCRATCH);
TRACE_DEFINE_ENUM(ROCSVM_ALLOC_FIXED);
TRACE_DEFINE_ENUM(ROCSVM_ALLOC_READONLY);
TRACE_DEFINE_ENUM(ROCSVM_ALLOC_EXECUTABLE);
TRACE_DEFINE_ENUM(ROCSVM_ALLOC_COHERENT);
TRACE_DEFINE_ENUM(ROCSVM_ALLOC_UNCACHED);
TRACE_DEFINE_ENUM(ROCSVM_ALLOC_AQL_QUEUE);
TRACE_DEFINE_ENUM(ROCSVM_ALLOC_IMPORTED);

#define show_kind(kind)							\
	__print_symbolic(kind,						\
			 { ROCSVM_KIND_HOST, "host" },			\
			 { ROCSVM_KIND_GTT, "gtt" },			\
			 { ROCSVM_KIND_VRAM, "vram" },			\
			 { ROCSVM_KIND_PRIVATE_VRAM, "private" },	\
			 { ROCSVM_KIND_DOORBELL, "doorbell" },		\
			 { ROCSVM_KIND_MMIO_REMAP, "mmio" },		\
			 { ROCSVM_KIND_ADDRESS, "address" },		\
			 { ROCSVM_KIND_SCRATCH, "scratch" })

#define show_flags(flags)						\
	__print_flags(flags, ",",					\
		      { ROCSVM_ALLOC_FIXED, "fixed" },			\
		      { ROCSVM_ALLOC_READONLY, "readonly" },		\
		      { ROCSVM_ALLOC_EXECUTABLE, "executable" },	\
		      { ROCSVM_ALLOC_COHERENT, "coherent" },		\
		      { ROCSVM_ALLOC_UNCACHED, "uncached" },		\
		      { ROCSVM_ALLOC_AQL_QUEUE, "aql" },		\
		      { ROCSVM_ALLOC_IMPORTED, "imported" })

/* Numbers that the kernel's header does not have yet are shown as numbers. */
#define show_kfd_nr(nr)							\
	__print_symbolic(nr,						\
			 { 0x01, "get_version" },			\
			 { 0x02, "create_queue" },			\
			 { 0x03, "destroy_queue" },			\
			 { 0x04, "set_memory_policy" },			\
			 { 0x05, "get_clock_counters" },		\
			 { 0x06, "get_process_apertures" },		\
			 { 0x07, "update_queue" },			\
			 { 0x08, "create_event" },			\
			 { 0x09, "destroy_event" },			\
			 { 0x0a, "set_event" },				\
			 { 0x0b, "reset_event" },			\
			 { 0x0c, "wait_events" },			\
			 { 0x11, "set_scratch_backing_va" },		\
			 { 0x12, "get_tile_config" },			\
			 { 0x13, "set_trap_handler" },			\
			 { 0x14, "get_process_apertures_new" },		\
			 { 0x15, "acquire_vm" },			\
			 { 0x16, "alloc_memory_of_gpu" },		\
			 { 0x17, "free_memory_of_gpu" },		\
			 { 0x18, "map_memory_to_gpu" },			\
			 { 0x19, "unmap_memory_from_gpu" },		\
			 { 0x1a, "set_cu_mask" },			\
			 { 0x1b, "get_queue_wave_state" },		\
			 { 0x1c, "get_dmabuf_info" },			\
			 { 0x1d, "import_dmabuf" },			\
			 { 0x1e, "alloc_queue_gws" },			\
			 { 0x1f, "smi_events" },			\
			 { 0x20, "svm" },				\
			 { 0x21, "set_xnack_mode" },			\
			 { 0x22, "criu_op" },				\
			 { 0x23, "available_memory" },			\
			 { 0x24, "export_dmabuf" },			\
			 { 0x25, "runtime_enable" },			\
			 { 0x26, "dbg_trap" })

TRACE_EVENT(open,
	    TP_PROTO(pid_t pid, int opens, u64 base, u64 limit, int err),
	    TP_ARGS(pid, opens, base, limit, err),
	    TP_STRUCT__entry(__field(pid_t, pid)
			     __field(int, opens)
			     __field(u64, base)
			     __field(u64, limit)
			     __field(int, err)),
	    TP_fast_assign(__entry->pid = pid;
			   __entry->opens = opens;
			   __entry->base = base;
			   __entry->limit = limit;
			   __entry->err = err;),
	    TP_printk("pid=%d opens=%d base=0x%llx limit=0x%llx err=%d",
		      __entry->pid, __entry->opens, __entry->base,
		      __entry->limit, __entry->err)
);

TRACE_EVENT(close,
	    TP_PROTO(pid_t pid, int opens),
	    TP_ARGS(pid, opens),
	    TP_STRUCT__entry(__field(pid_t, pid)
			     __field(int, opens)),
	    TP_fast_assign(__entry->pid = pid;
			   __entry->opens = opens;),
	    TP_printk("pid=%d opens=%d", __entry->pid, __entry->opens)
);

TRACE_EVENT(acquire_vm,
	    TP_PROTO(pid_t pid, const struct rocsvm_acquire_vm *cmd, int err),
	    TP_ARGS(pid, cmd, err),
	    TP_STRUCT__entry(__field(pid_t, pid)
			     __field(u32, gpu_id)
			     __field(int, drm_fd)
			     __field(int, err)),
	    TP_fast_assign(__entry->pid = pid;
			   __entry->gpu_id = cmd->gpu_id;
			   __entry->drm_fd = cmd->drm_fd;
			   __entry->err = err;),
	    TP_printk("pid=%d gpu_id=%u drm_fd=%d err=%d", __entry->pid,
		      __entry->gpu_id, __entry->drm_fd, __entry->err)
);

/* IMPORT is one, too. */
TRACE_EVENT(alloc,
	    TP_PROTO(pid_t pid, const struct rocsvm_alloc *cmd, int err),
	    TP_ARGS(pid, cmd, err),
	    TP_STRUCT__entry(__field(pid_t, pid)
			     __field(u64, va)
			     __field(u64, length)
			     __field(u32, kind)
			     __field(u32, flags)
			     __field(u32, gpu_id)
			     __field(u32, num_gpus)
			     __field(u64, tag)
			     __field(int, err)),
	    TP_fast_assign(__entry->pid = pid;
			   __entry->va = cmd->va;
			   __entry->length = cmd->length;
			   __entry->kind = cmd->kind;
			   __entry->flags = cmd->flags;
			   __entry->gpu_id = cmd->gpu_id;
			   __entry->num_gpus = cmd->num_gpus;
			   __entry->tag = cmd->tag;
			   __entry->err = err;),
	    TP_printk("pid=%d va=0x%llx length=%llu kind=%s flags=%s gpu_id=%u num_gpus=%d tag=0x%llx err=%d",
		      __entry->pid, __entry->va, __entry->length,
		      show_kind(__entry->kind), show_flags(__entry->flags),
		      __entry->gpu_id, __entry->num_gpus, __entry->tag,
		      __entry->err)
);

TRACE_EVENT(free,
	    TP_PROTO(pid_t pid, const struct rocsvm_free *cmd, int err),
	    TP_ARGS(pid, cmd, err),
	    TP_STRUCT__entry(__field(pid_t, pid)
			     __field(u64, va)
			     __field(int, err)),
	    TP_fast_assign(__entry->pid = pid;
			   __entry->va = cmd->va;
			   __entry->err = err;),
	    TP_printk("pid=%d va=0x%llx err=%d", __entry->pid, __entry->va,
		      __entry->err)
);

DECLARE_EVENT_CLASS(rocsvm_map_class,
		    TP_PROTO(pid_t pid, const struct rocsvm_map *cmd, int err),
		    TP_ARGS(pid, cmd, err),
		    TP_STRUCT__entry(__field(pid_t, pid)
				     __field(u64, va)
				     __field(u32, num_gpus)
				     __field(int, err)),
		    TP_fast_assign(__entry->pid = pid;
				   __entry->va = cmd->va;
				   __entry->num_gpus = cmd->num_gpus;
				   __entry->err = err;),
		    TP_printk("pid=%d va=0x%llx num_gpus=%d err=%d",
			      __entry->pid, __entry->va, __entry->num_gpus,
			      __entry->err)
);

DEFINE_EVENT(rocsvm_map_class, map,
	     TP_PROTO(pid_t pid, const struct rocsvm_map *cmd, int err),
	     TP_ARGS(pid, cmd, err));

DEFINE_EVENT(rocsvm_map_class, unmap,
	     TP_PROTO(pid_t pid, const struct rocsvm_map *cmd, int err),
	     TP_ARGS(pid, cmd, err));

TRACE_EVENT(register,
	    TP_PROTO(pid_t pid, const struct rocsvm_register *cmd, int err),
	    TP_ARGS(pid, cmd, err),
	    TP_STRUCT__entry(__field(pid_t, pid)
			     __field(u64, va)
			     __field(u64, length)
			     __field(u32, flags)
			     __field(u32, num_gpus)
			     __field(u64, tag)
			     __field(int, err)),
	    TP_fast_assign(__entry->pid = pid;
			   __entry->va = cmd->va;
			   __entry->length = cmd->length;
			   __entry->flags = cmd->flags;
			   __entry->num_gpus = cmd->num_gpus;
			   __entry->tag = cmd->tag;
			   __entry->err = err;),
	    TP_printk("pid=%d va=0x%llx length=%llu flags=%s num_gpus=%d tag=0x%llx err=%d",
		      __entry->pid, __entry->va, __entry->length,
		      show_flags(__entry->flags), __entry->num_gpus,
		      __entry->tag, __entry->err)
);

TRACE_EVENT(unregister,
	    TP_PROTO(pid_t pid, const struct rocsvm_unregister *cmd, int err),
	    TP_ARGS(pid, cmd, err),
	    TP_STRUCT__entry(__field(pid_t, pid)
			     __field(u64, va)
			     __field(u64, length)
			     __field(int, err)),
	    TP_fast_assign(__entry->pid = pid;
			   __entry->va = cmd->va;
			   __entry->length = cmd->length;
			   __entry->err = err;),
	    TP_printk("pid=%d va=0x%llx length=%llu err=%d", __entry->pid,
		      __entry->va, __entry->length, __entry->err)
);

TRACE_EVENT(fault_refused,
	    TP_PROTO(pid_t pid, unsigned long address, bool write),
	    TP_ARGS(pid, address, write),
	    TP_STRUCT__entry(__field(pid_t, pid)
			     __field(unsigned long, address)
			     __field(bool, write)),
	    TP_fast_assign(__entry->pid = pid;
			   __entry->address = address;
			   __entry->write = write;),
	    TP_printk("pid=%d address=0x%lx %s", __entry->pid,
		      __entry->address, __entry->write ? "write" : "read")
);

/* passed: the program's own ioctl, handed on */
TRACE_EVENT(kfd_ioctl,
	    TP_PROTO(pid_t pid, unsigned int nr, bool passed, int err,
		     u64 duration),
	    TP_ARGS(pid, nr, passed, err, duration),
	    TP_STRUCT__entry(__field(pid_t, pid)
			     __field(unsigned int, nr)
			     __field(bool, passed)
			     __field(int, err)
			     __field(u64, duration)),
	    TP_fast_assign(__entry->pid = pid;
			   __entry->nr = nr;
			   __entry->passed = passed;
			   __entry->err = err;
			   __entry->duration = duration;),
	    TP_printk("pid=%d nr=0x%x name=%s passed=%d err=%d duration=%llu ns",
		      __entry->pid, __entry->nr, show_kfd_nr(__entry->nr),
		      __entry->passed, __entry->err, __entry->duration)
);

#endif /* _ROCSVM_TRACE_H */

#undef TRACE_INCLUDE_PATH
#define TRACE_INCLUDE_PATH .
#undef TRACE_INCLUDE_FILE
#define TRACE_INCLUDE_FILE trace
#include <trace/define_trace.h>
