/* SPDX-License-Identifier: GPL-2.0 */
/*
 * How much of each task has been added. With compare-and-swap (Linux 5.12) it is kept in the storage of the task (5.11),
 * which goes with it; before, in a map by its address.
 */
#pragma once

#include "kernel.h"
#include <bpf/bpf_helpers.h>

struct task_times {
	__u64 run_delay_ns; /* ready to run, without a CPU */
	__u64 disk_delay_ns; /* waiting for block I/O */
	__u64 exec_ns; /* on a CPU */
};

struct task_record {
	struct task_times added;
	__u64 cgroup_id; /* where the task was when it was looked at last */
	__u64 start_ns; /* of the task: by its address alone a record might be that of an earlier one */
};

struct task_refused {
	__u64 task_totals;
	__u64 task_records;
} refused;

#ifdef COMPARE_AND_SWAP

struct {
	__uint(type, BPF_MAP_TYPE_TASK_STORAGE);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, int);
	__type(value, struct task_record);
} task_records SEC(".maps");

/*
 * Before 6.2 the storage answers nothing while it is busy on this CPU: a task that is freed in an interrupt of the walk
 * would seem to have no record.
 */
struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, __u32);
} storage_busy SEC(".maps");

static __always_inline void set_busy(__u32 busy)
{
	__u32 zero = 0;
	volatile __u32 *flag = bpf_map_lookup_elem(&storage_busy, &zero);

	if (flag)
		*flag = busy;
}

static __always_inline bool is_busy(void)
{
	__u32 zero = 0;
	volatile __u32 *flag = bpf_map_lookup_elem(&storage_busy, &zero);

	return flag && *flag;
}

static __always_inline struct task_record *record_of(struct task_struct *task, struct task_record *initial)
{
	set_busy(1);
	struct task_record *record =
		bpf_task_storage_get(&task_records, (void *)task, initial, BPF_LOCAL_STORAGE_GET_F_CREATE);
	set_busy(0);
	return record;
}

/* False where it cannot be told whether there is a record. */
static __always_inline bool last_record(struct task_struct *task, struct task_record **record)
{
	*record = bpf_task_storage_get(&task_records, (void *)task, NULL, 0);
	return *record || !is_busy();
}

static __always_inline void forget(struct task_struct *task)
{
}

#else

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__uint(max_entries, 65536);
	__type(key, __u64);
	__type(value, struct task_record);
} task_records SEC(".maps");

static __always_inline struct task_record *found(struct task_struct *task)
{
	__u64 address = (__u64)task;
	struct task_record *record = bpf_map_lookup_elem(&task_records, &address);

	return record && record->start_ns == BPF_CORE_READ(task, start_time) ? record : NULL;
}

static __always_inline struct task_record *record_of(struct task_struct *task, struct task_record *initial)
{
	__u64 address = (__u64)task;
	struct task_record *record = found(task);

	if (record)
		return record;
	initial->start_ns = BPF_CORE_READ(task, start_time);
	bpf_map_update_elem(&task_records, &address, initial, BPF_ANY);
	return found(task);
}

static __always_inline bool last_record(struct task_struct *task, struct task_record **record)
{
	*record = found(task);
	return true;
}

static __always_inline void forget(struct task_struct *task)
{
	__u64 address = (__u64)task;

	bpf_map_delete_elem(&task_records, &address);
}

#endif

/* What `now` is above what was added; whoever else does the same meanwhile finds nothing any more. */
static __always_inline __u64 forward(__u64 *added, __u64 now)
{
	__u64 before = *(volatile __u64 *)added;

	if (now <= before)
		return 0;
#ifdef COMPARE_AND_SWAP
	if (__sync_val_compare_and_swap(added, before, now) != before)
		return 0;
#else
	*(volatile __u64 *)added = now;
#endif
	return now - before;
}

static __always_inline struct task_times grown(struct task_record *record, const struct task_times *now)
{
	return (struct task_times){
		.run_delay_ns = forward(&record->added.run_delay_ns, now->run_delay_ns),
		.disk_delay_ns = forward(&record->added.disk_delay_ns, now->disk_delay_ns),
		.exec_ns = forward(&record->added.exec_ns, now->exec_ns),
	};
}
