/* SPDX-License-Identifier: GPL-2.0 */
/* Who listens where, and how long the queue is. */
#pragma once

#include "tcp_maps.h"

#define IPV6_ONLY 1

struct listen_key {
	__u64 cgroup_id;
	struct destination at; /* `unused`: IPV6_ONLY, or 0 */
	__u32 netns; /* inode of the network namespace */
};

/* Of all sockets that listen there, in the last walk that found one. */
struct listen_value {
	__u64 last_ns; /* CLOCK_MONOTONIC of that walk, or of the last listen() */
	__u64 drops;
	__u32 walk;
	__u32 sockets;
	__u32 queue; /* connections that wait for accept() */
	__u32 limit;
};

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(map_flags, TCP_MAP_FLAGS);
	__uint(max_entries, 8192);
	__type(key, struct listen_key);
	__type(value, struct listen_value);
} tcp_listens SEC(".maps");

/* The entry of a socket that listens, at its own end `at`; NULL where there is no room. */
static __always_inline struct listen_value *listen_entry(__u64 cgroup_id, struct sock *sk, const struct destination *at)
{
	struct listen_key key = { .cgroup_id = cgroup_id, .at = *at, .netns = netns_of(sk) };
	struct listen_value fresh = {};

	key.at.unused = BPF_CORE_READ_BITFIELD_PROBED(&sk->__sk_common, skc_ipv6only) ? IPV6_ONLY : 0;
	struct listen_value *value = bpf_map_lookup_elem(&tcp_listens, &key);
	if (value)
		return value;
	if (bpf_map_update_elem(&tcp_listens, &key, &fresh, BPF_NOEXIST))
		__sync_fetch_and_add(&refused.tcp_listens, 1);
	return bpf_map_lookup_elem(&tcp_listens, &key);
}

/* What the walk does with each. */
static __always_inline void count_listening(__u64 cgroup_id, struct sock *sk)
{
	struct destination at = {};

	read_own(sk, &at);
	struct listen_value *value = listen_entry(cgroup_id, sk, &at);
	if (!value)
		return;
	if (value->walk != walk) {
		value->walk = walk;
		value->last_ns = bpf_ktime_get_ns();
		value->sockets = 0;
		value->queue = 0;
		value->limit = 0;
		value->drops = 0;
	}
	value->sockets++;
	value->queue += BPF_CORE_READ(sk, sk_ack_backlog);
	value->limit += BPF_CORE_READ(sk, sk_max_ack_backlog);
	value->drops += BPF_CORE_READ(sk, sk_drops.counter);
}
