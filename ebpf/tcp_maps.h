/* SPDX-License-Identifier: GPL-2.0 */
/* What is counted of TCP, and what happens where there is no room for it. */
#pragma once

#include "destination.h"

/* An object whose program type may not allocate map entries while it runs defines this as 0. */
#ifndef TCP_MAP_FLAGS
#define TCP_MAP_FLAGS BPF_F_NO_PREALLOC
#endif

/* Which connections. */
struct tcp_key {
	__u64 cgroup_id;
	struct destination to; /* that connect() was called with; of those that came in, the own end */
	struct destination actual; /* behind NAT; of those that came in, zeros */
};

/* Why a connect failed. */
enum tcp_failure {
	TCP_REFUSED,
	TCP_TIMED_OUT,
	TCP_UNREACHABLE,
	TCP_CANCELLED,
	TCP_NO_PORT, /* none was free on this side: nothing was sent */
	TCP_FAILURES,
};

struct tcp_value {
	__u64 successful;
	__u64 connect_ns; /* sum, of those whose start was seen */
	__u64 failed[TCP_FAILURES];
	__u64 bytes_sent;
	__u64 bytes_received;
	__u64 retransmits; /* segments, once connected */
	__u64 syn_retransmits;
	__u64 resets; /* connections that the peer ended so */
	__u64 last_ns; /* CLOCK_MONOTONIC of the last attempt, or of the last walk that found an open connection */
	__u32 walk; /* which walk `active` belongs to */
	__u32 active;
};

/* How many destinations of a cgroup have a place in tcp_counts. */
struct tcp_share {
	__u64 taken; /* ever */
	__u64 folded; /* attempts that found no place */
};

struct tcp_refused {
	__u64 tcp_counts;
	__u64 tcp_overflow;
	__u64 socket_storage;
	__u64 tcp_open; /* connections that no walk will count as open */
	__u64 tcp_listens;
	__u64 tcp_histograms;
};

/* Places of one cgroup in tcp_counts. */
const volatile __u32 max_destinations = 2000;
/* Number of the current walk, set by user space before each. */
volatile __u32 walk;
/* Attempts that did not go where they belong, by what refused them. */
struct tcp_refused refused;

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(map_flags, TCP_MAP_FLAGS);
	__uint(max_entries, 20000);
	__type(key, struct tcp_key);
	__type(value, struct tcp_value);
} tcp_counts SEC(".maps");

/*
 * What tcp_counts had no room for, with zeros for both ends but for the port of `to`, which is 1 for those that came in.
 * Key 0, put there before the start, takes the rest.
 */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(map_flags, TCP_MAP_FLAGS);
	__uint(max_entries, 8192);
	__type(key, struct tcp_key);
	__type(value, struct tcp_value);
} tcp_overflow SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(map_flags, TCP_MAP_FLAGS);
	__uint(max_entries, 8192);
	__type(key, __u64);
	__type(value, struct tcp_share);
} tcp_shares SEC(".maps");

/* How many places user space has taken back from a cgroup, ever. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(map_flags, TCP_MAP_FLAGS);
	__uint(max_entries, 8192);
	__type(key, __u64);
	__type(value, __u64);
} tcp_returned SEC(".maps");

static __always_inline bool came_in(const struct tcp_key *key)
{
	return !key->actual.port;
}

/* False when the cgroup has had its share. What only fails may have half of it: a scan leaves room for what works. */
static __always_inline bool has_place(struct tcp_share *share, const struct tcp_key *key, bool failure)
{
	__u64 *returned = bpf_map_lookup_elem(&tcp_returned, &key->cgroup_id);
	__s64 taken = share->taken - (returned ? *returned : 0); /* below 0 just after the cgroup was forgotten */

	return taken < (__s64)(failure ? max_destinations / 2 : max_destinations);
}

static __always_inline struct tcp_value *find_or_take_place(const struct tcp_key *key, bool failure, bool misses)
{
	struct tcp_value *value = bpf_map_lookup_elem(&tcp_counts, key);
	if (value)
		return value;

	struct tcp_value fresh = {};
	struct tcp_share none = {};
	struct tcp_share *share = bpf_map_lookup_elem(&tcp_shares, &key->cgroup_id);
	if (!share) {
		bpf_map_update_elem(&tcp_shares, &key->cgroup_id, &none, BPF_NOEXIST);
		share = bpf_map_lookup_elem(&tcp_shares, &key->cgroup_id);
	}
	if (!share || has_place(share, key, failure)) {
		/* Fails harmlessly when another CPU was quicker. */
		if (!bpf_map_update_elem(&tcp_counts, key, &fresh, BPF_NOEXIST) && share)
			__sync_fetch_and_add(&share->taken, 1);
		value = bpf_map_lookup_elem(&tcp_counts, key);
	}
	if (!value && share && misses)
		__sync_fetch_and_add(&share->folded, 1);
	return value;
}

/* The entry for `key`, or the best that there is room for. `misses`: what was full is counted. */
static __always_inline struct tcp_value *entry(const struct tcp_key *key, bool failure, bool misses)
{
	struct tcp_value *value = NULL;
	struct tcp_key other = {};

	if (key->cgroup_id) {
		value = find_or_take_place(key, failure, misses);
		if (value)
			return value;
		if (misses)
			__sync_fetch_and_add(&refused.tcp_counts, 1);

		other.cgroup_id = key->cgroup_id;
		other.to.port = came_in(key);
		value = bpf_map_lookup_elem(&tcp_overflow, &other);
		if (!value) {
			struct tcp_value fresh = {};
			bpf_map_update_elem(&tcp_overflow, &other, &fresh, BPF_NOEXIST);
			value = bpf_map_lookup_elem(&tcp_overflow, &other);
		}
		if (value)
			return value;
		if (misses)
			__sync_fetch_and_add(&refused.tcp_overflow, 1);
	}
	other.cgroup_id = 0;
	other.to.port = 0;
	return bpf_map_lookup_elem(&tcp_overflow, &other);
}
