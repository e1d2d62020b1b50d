/* SPDX-License-Identifier: GPL-2.0 */
/* Which cgroup a task or a socket belongs to, on the hierarchy by which containers are told apart. */
#pragma once

#include "kernel.h"
#include <bpf/bpf_core_read.h>
#include <bpf/bpf_helpers.h>

/*
 * True where the memory controller is mounted as cgroup v1: there every task is in the root of v2. On pure v2
 * the memory controller is no guide, since it is enabled down to some ancestor only.
 */
const volatile bool memory_v1 = false;

static __always_inline __u64 task_cgroup_id(struct task_struct *task)
{
	struct css_set *cgroups = BPF_CORE_READ(task, cgroups);

	if (!memory_v1)
		return BPF_CORE_READ(cgroups, dfl_cgrp, kn, id);

	struct cgroup_subsys_state **controllers = __builtin_preserve_access_index(&cgroups->subsys[0]);
	struct cgroup_subsys_state *memory = NULL;
	bpf_probe_read_kernel(&memory, sizeof(memory),
			      controllers + bpf_core_enum_value(enum cgroup_subsys_id, memory_cgrp_id));
	return BPF_CORE_READ(memory, cgroup, kn, id);
}

static __always_inline __u64 current_cgroup_id(void)
{
	return task_cgroup_id((void *)bpf_get_current_task());
}

/* The same of a socket, where its task is not at hand; 0 where the socket does not know. */
static __always_inline __u64 socket_cgroup_id(struct sock *sk)
{
	if (memory_v1 || !sk || !bpf_core_field_exists(sk->sk_cgrp_data.cgroup))
		return 0;
	return BPF_CORE_READ(sk, sk_cgrp_data.cgroup, kn, id);
}
