/* SPDX-License-Identifier: GPL-2.0 */
/*
 * For how long the tasks of each cgroup have run and waited, those that have ended included.
 *
 * The kernel keeps these times for each task, and they only grow. Whoever looks at a task (the walk, its move to another
 * cgroup, its exit, its end) adds what has grown since somebody looked last. The end is sched_process_free: by then the task
 * is off its CPU for good, so that nothing of it is missed, and still has its cgroup. It comes an RCU grace period after the
 * task became EXIT_DEAD, and the walk runs inside of one: what the walk finds alive is freed after that, with its record.
 * The exit comes before, because now and then nobody hears of the end (one in a thousand, seen on 6.18).
 */
#include "kernel.h"
#include "identity.h"
#include "task_records.h"
#include <bpf/bpf_core_read.h>
#include <bpf/bpf_helpers.h>

#define PF_KTHREAD 0x00200000
#define EXIT_DEAD 16

/* CLOCK_MONOTONIC of our start: what an older task had by then is added by a walk, or, where it does not see the task, not at all. */
const volatile __u64 since_ns = 0;

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__uint(max_entries, 16384);
	__type(key, __u64); /* id of the cgroup */
	__type(value, struct task_times);
} task_totals SEC(".maps");

static __always_inline struct task_times times_of(struct task_struct *task)
{
	struct task_times times = {
		.run_delay_ns = BPF_CORE_READ(task, sched_info.run_delay),
		.exec_ns = BPF_CORE_READ(task, se.sum_exec_runtime),
	};

	if (bpf_core_field_exists(task->delays)) {
		struct task_delay_info *delays = BPF_CORE_READ(task, delays);
		if (delays)
			times.disk_delay_ns = BPF_CORE_READ(delays, blkio_delay);
	}
	return times;
}

static __always_inline void add(__u64 cgroup_id, const struct task_times *more)
{
	if (!more->run_delay_ns && !more->disk_delay_ns && !more->exec_ns)
		return;
	struct task_times *total = bpf_map_lookup_elem(&task_totals, &cgroup_id);
	if (!total) {
		struct task_times none = {};
		bpf_map_update_elem(&task_totals, &cgroup_id, &none, BPF_NOEXIST);
		total = bpf_map_lookup_elem(&task_totals, &cgroup_id);
	}
	if (!total) {
		__sync_fetch_and_add(&refused.task_totals, 1);
		return;
	}
	__sync_fetch_and_add(&total->run_delay_ns, more->run_delay_ns);
	__sync_fetch_and_add(&total->disk_delay_ns, more->disk_delay_ns);
	__sync_fetch_and_add(&total->exec_ns, more->exec_ns);
}

static __always_inline bool is_older(struct task_struct *task)
{
	return BPF_CORE_READ(task, start_time) < since_ns;
}

/* Adds what `task` has had since somebody looked at it last. */
static __always_inline void look(struct task_struct *task, bool walks)
{
	struct task_times now = times_of(task);
	struct task_record initial = { .cgroup_id = task_cgroup_id(task) };
	if (!walks && is_older(task))
		initial.added = now;
	struct task_record *record = record_of(task, &initial);
	if (!record) {
		__sync_fetch_and_add(&refused.task_records, 1);
		return;
	}
	struct task_times more = grown(record, &now);
	add(initial.cgroup_id, &more);
}

SEC("iter/task")
int task_walk(struct bpf_iter__task *ctx)
{
	struct task_struct *task = ctx->task;
	if (task && !(task->flags & PF_KTHREAD) && task->exit_state != EXIT_DEAD)
		look(task, true);
	return 0;
}

/* What a task has had until now is its former cgroup's; whose, nobody knows of one that was not looked at before. */
SEC("tp_btf/cgroup_attach_task")
int task_moved(__u64 *ctx)
{
	struct task_struct *task = (void *)ctx[2];
	struct task_times now = times_of(task);
	struct task_record initial = { .added = now, .cgroup_id = task_cgroup_id(task) };
	struct task_record *record = record_of(task, &initial);
	if (!record) {
		__sync_fetch_and_add(&refused.task_records, 1);
		return 0;
	}
	struct task_times more = grown(record, &now);
	add(record->cgroup_id, &more);
	record->cgroup_id = initial.cgroup_id;
	return 0;
}

/* In the task itself, which goes on for a moment; its time is exact up to the last tick of the clock. */
SEC("tp_btf/sched_process_exit")
int task_exits(__u64 *ctx)
{
	struct task_struct *task = (void *)ctx[0];
	if (!(task->flags & PF_KTHREAD))
		look(task, false);
	return 0;
}

SEC("tp_btf/sched_process_free")
int task_freed(__u64 *ctx)
{
	struct task_struct *task = (void *)ctx[0];
	struct task_record *record;
	if (task->flags & PF_KTHREAD)
		return 0;
	if (!last_record(task, &record)) {
		__sync_fetch_and_add(&refused.task_records, 1);
		return 0;
	}
	struct task_times last = times_of(task);
	if (record)
		last = grown(record, &last);
	if (record || !is_older(task))
		add(task_cgroup_id(task), &last);
	forget(task);
	return 0;
}

char LICENSE[] SEC("license") = "GPL";
