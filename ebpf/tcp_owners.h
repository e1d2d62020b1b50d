/* SPDX-License-Identifier: GPL-2.0 */
/* Whose the connections are that come in without a record of the socket that listens. */
#pragma once

#include "identity.h"
#include "tcp_maps.h"

struct owner_key {
	__u32 netns;
	__u32 port;
};

/* Cgroups of those who listen, where their sockets can have no storage that is inherited. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(map_flags, TCP_MAP_FLAGS);
	__uint(max_entries, 8192);
	__type(key, struct owner_key);
	__type(value, __u64);
} tcp_owners SEC(".maps");

/* Whose the connections are that come in here. */
static __always_inline __u64 owner_of(struct sock *sk, const struct destination *own)
{
	struct owner_key key = { .netns = netns_of(sk), .port = own->port };
	__u64 *cgroup_id = bpf_map_lookup_elem(&tcp_owners, &key);

	return cgroup_id ? *cgroup_id : socket_cgroup_id(sk);
}

static __always_inline void remember_owner(struct sock *sk, const struct tcp_key *listening)
{
	struct owner_key key = { .netns = netns_of(sk), .port = listening->to.port };

	bpf_map_update_elem(&tcp_owners, &key, &listening->cgroup_id, BPF_ANY);
}

static __always_inline __u64 start_ns(struct task_struct *task)
{
	return BPF_CORE_READ(task, start_time);
}
