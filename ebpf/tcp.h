/* SPDX-License-Identifier: GPL-2.0 */
/* Outbound TCP connections per {cgroup, destination}: what the programs of all sources count, and where. */
#pragma once

#include "destination.h"
#include "identity.h"

/* An object whose program type may not allocate map entries while it runs defines this as 0. */
#ifndef TCP_MAP_FLAGS
#define TCP_MAP_FLAGS BPF_F_NO_PREALLOC
#endif

struct tcp_key {
	__u64 cgroup_id;
	struct destination to;
};

struct tcp_value {
	__u64 successful;
	__u64 failed;
	__u64 last_ns; /* CLOCK_MONOTONIC of the last attempt, or of the last walk that found an open connection */
	__u32 walk; /* which walk `active` belongs to */
	__u32 active;
};

enum tcp_phase {
	TCP_IDLE, /* counted as failed, or closed */
	TCP_CONNECTING,
	TCP_OPEN, /* counted as successful */
};

struct tcp_record {
	struct tcp_key key;
	enum tcp_phase phase;
	__u32 heard; /* tracepoints: which programs have told of this attempt */
};

struct tcp_refused {
	__u64 tcp_counts;
	__u64 tcp_overflow;
	__u64 socket_storage;
	__u64 tcp_open; /* connections that no walk will count as open */
};

/* Number of the current walk, set by user space before each. */
volatile __u32 walk;
/* Attempts that did not go where they belong, by what refused them. */
struct tcp_refused refused;

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(map_flags, TCP_MAP_FLAGS);
	__uint(max_entries, 32768);
	__type(key, struct tcp_key);
	__type(value, struct tcp_value);
} tcp_counts SEC(".maps");

/* By cgroup alone, what tcp_counts had no room for. Key 0, put there before the start, takes the rest. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(map_flags, TCP_MAP_FLAGS);
	__uint(max_entries, 16384);
	__type(key, __u64);
	__type(value, struct tcp_value);
} tcp_overflow SEC(".maps");

static __always_inline struct tcp_value *find_or_create(void *map, const void *key)
{
	struct tcp_value *value = bpf_map_lookup_elem(map, key);
	if (value)
		return value;

	struct tcp_value fresh = {};
	bpf_map_update_elem(map, key, &fresh, BPF_NOEXIST); /* fails harmlessly when another CPU was quicker */
	return bpf_map_lookup_elem(map, key);
}

/* The entry for `key`, or the best that there is room for. `misses` hears of each map that was full. */
static __always_inline struct tcp_value *entry(const struct tcp_key *key, struct tcp_refused *misses)
{
	struct tcp_value *value = NULL;
	__u64 unknown = 0;

	if (key->cgroup_id) {
		value = find_or_create(&tcp_counts, key);
		if (value)
			return value;
		if (misses)
			__sync_fetch_and_add(&misses->tcp_counts, 1);

		value = find_or_create(&tcp_overflow, &key->cgroup_id);
		if (value)
			return value;
		if (misses)
			__sync_fetch_and_add(&misses->tcp_overflow, 1);
	}
	return bpf_map_lookup_elem(&tcp_overflow, &unknown);
}

static __always_inline void count(const struct tcp_key *key, bool success)
{
	struct tcp_value *value = entry(key, &refused);
	if (!value)
		return;
	__sync_fetch_and_add(success ? &value->successful : &value->failed, 1);
	value->last_ns = bpf_ktime_get_ns();
}

/* Counts an open connection in the current walk. */
static __always_inline void count_active(const struct tcp_key *key)
{
	struct tcp_value *value = entry(key, NULL);
	if (!value)
		return;
	if (value->walk != walk) {
		value->walk = walk;
		value->active = 0;
		value->last_ns = bpf_ktime_get_ns();
	}
	value->active++;
}
