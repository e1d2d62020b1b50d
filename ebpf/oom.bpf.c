/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Processes that the OOM killer ends, with the cgroup they were in.
 *
 * mark_victim says the victim's task (Linux 6.8, and releases that took it over) or, before, its pid alone. A pid is found
 * again by the SIGKILL that the same function of mm/oom_kill.c has just sent to it.
 */
#include "kernel.h"
#include "identity.h"
#include <bpf/bpf_core_read.h>
#include <bpf/bpf_helpers.h>

#define SIGKILL 9
#define PIDS_END (1ULL << 32)

__u64 oom_events_dropped;

/* A record is the id of the cgroup; 0 where it could not be told. */
struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 64 * 1024);
} oom_events SEC(".maps");

/* Cgroup of those that were sent SIGKILL last. */
struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 256);
	__type(key, int);
	__type(value, __u64);
} oom_killed SEC(".maps");

SEC("raw_tp/signal_generate")
int oom_signal_generate(struct bpf_raw_tracepoint_args *ctx)
{
	if (ctx->args[0] != SIGKILL)
		return 0;
	struct task_struct *victim = (void *)ctx->args[2];
	int pid = BPF_CORE_READ(victim, pid);
	__u64 cgroup_id = task_cgroup_id(victim);
	bpf_map_update_elem(&oom_killed, &pid, &cgroup_id, BPF_ANY);
	return 0;
}

SEC("raw_tp/mark_victim")
int oom_mark_victim(struct bpf_raw_tracepoint_args *ctx)
{
	__u64 cgroup_id = 0;
	__u64 victim = ctx->args[0];

	if (victim >= PIDS_END) {
		cgroup_id = task_cgroup_id((void *)victim);
	} else {
		int pid = victim;
		__u64 *known = bpf_map_lookup_elem(&oom_killed, &pid);
		if (known)
			cgroup_id = *known;
	}
	if (bpf_ringbuf_output(&oom_events, &cgroup_id, sizeof(cgroup_id), 0))
		__sync_fetch_and_add(&oom_events_dropped, 1);
	return 0;
}

char LICENSE[] SEC("license") = "GPL";
