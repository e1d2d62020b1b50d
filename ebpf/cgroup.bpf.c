/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Cgroups that come and go, with their path: a cgroup that lives for a few milliseconds keeps its name. And when the first
 * process comes into one and the last leaves.
 *
 * raw_tp needs neither the tracepoint's BTF type nor its format file. The kernel skips a tracepoint program that
 * is already running on the CPU; here that cannot happen: mkdir and rmdir fire under cgroup_mutex, which is also what
 * makes the one scratch record per CPU safe, notify_populated with interrupts off under css_set_lock.
 */
#include "kernel.h"
#include <bpf/bpf_core_read.h>
#include <bpf/bpf_helpers.h>

#define PATH_BYTES 1024 /* TRACE_CGROUP_PATH_LEN of kernel/cgroup/cgroup-internal.h: longer paths come cut */

enum cgroup_event_kind {
	CGROUP_MKDIR = 1,
	CGROUP_RMDIR = 2,
	CGROUP_POPULATED = 3, /* it, or a cgroup below it, has got a process; without a path */
	CGROUP_EMPTIED = 4, /* none of them has any more */
};

struct cgroup_event {
	__u64 id;
	__u64 time_ns; /* CLOCK_MONOTONIC */
	enum cgroup_event_kind kind;
	__u16 truncated;
	__u16 path_bytes; /* with the terminating NUL */
	char path[PATH_BYTES]; /* the record ends after path_bytes of it */
};

#define HEADER_BYTES __builtin_offsetof(struct cgroup_event, path)

/* Hierarchy by which containers are told apart; 0 is cgroup v2. */
const volatile int counted_hierarchy = 0;

__u64 cgroup_events_dropped;

struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 256 * 1024);
} cgroup_events SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct cgroup_event);
} cgroup_scratch SEC(".maps");

static __always_inline bool counts(struct cgroup *cgroup)
{
	return BPF_CORE_READ(cgroup, root, hierarchy_id) == counted_hierarchy;
}

static __always_inline int emit(struct bpf_raw_tracepoint_args *ctx, enum cgroup_event_kind kind)
{
	struct cgroup *cgroup = (void *)ctx->args[0];
	if (!counts(cgroup))
		return 0;

	__u32 zero = 0;
	struct cgroup_event *event = bpf_map_lookup_elem(&cgroup_scratch, &zero);
	if (!event)
		return 0;

	event->id = BPF_CORE_READ(cgroup, kn, id);
	event->time_ns = bpf_ktime_get_ns();
	event->kind = kind;
	long length = bpf_probe_read_kernel_str(event->path, PATH_BYTES, (void *)ctx->args[1]);
	if (length < 1 || length > PATH_BYTES) {
		event->path[0] = 0;
		length = 1;
	}
	event->truncated = length == PATH_BYTES;
	event->path_bytes = length;
	if (bpf_ringbuf_output(&cgroup_events, event, HEADER_BYTES + length, 0))
		__sync_fetch_and_add(&cgroup_events_dropped, 1);
	return 0;
}

SEC("raw_tp/cgroup_mkdir")
int cgroup_mkdir(struct bpf_raw_tracepoint_args *ctx)
{
	return emit(ctx, CGROUP_MKDIR);
}

SEC("raw_tp/cgroup_rmdir")
int cgroup_rmdir(struct bpf_raw_tracepoint_args *ctx)
{
	return emit(ctx, CGROUP_RMDIR);
}

SEC("raw_tp/cgroup_notify_populated")
int cgroup_populated(struct bpf_raw_tracepoint_args *ctx)
{
	struct cgroup *cgroup = (void *)ctx->args[0];
	if (!counts(cgroup))
		return 0;

	/* The beginning of a cgroup_event, which as a whole is too large for the stack; its path is empty. */
	struct {
		__u64 id, time_ns;
		enum cgroup_event_kind kind;
		__u16 truncated, path_bytes;
		char path[8];
	} event = {
		.id = BPF_CORE_READ(cgroup, kn, id),
		.time_ns = bpf_ktime_get_ns(),
		.kind = (int)ctx->args[2] ? CGROUP_POPULATED : CGROUP_EMPTIED,
		.path_bytes = 1,
	};
	if (bpf_ringbuf_output(&cgroup_events, &event, sizeof(event), 0))
		__sync_fetch_and_add(&cgroup_events_dropped, 1);
	return 0;
}

char LICENSE[] SEC("license") = "GPL";
