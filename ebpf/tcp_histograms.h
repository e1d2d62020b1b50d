/* SPDX-License-Identifier: GPL-2.0 */
/* How connect times and round-trip times are distributed, by cgroup. */
#pragma once

#include "tcp_maps.h"

#define HISTOGRAM_BOUNDS 16

enum tcp_measure {
	TCP_CONNECT_TIME,
	TCP_ROUND_TRIP_TIME,
};

struct tcp_histogram_key {
	__u64 cgroup_id;
	enum tcp_measure measure;
	__u32 unused; /* no padding in a key */
};

struct tcp_histogram {
	__u64 sum_ns;
	__u64 counts[HISTOGRAM_BOUNDS + 1];
};

/* Upper bounds, in nanoseconds; what is beyond the last is in one bucket more. */
const volatile __u64 histogram_bounds_ns[HISTOGRAM_BOUNDS];

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(map_flags, TCP_MAP_FLAGS);
	__uint(max_entries, 8192);
	__type(key, struct tcp_histogram_key);
	__type(value, struct tcp_histogram);
} tcp_histograms SEC(".maps");

static __always_inline void measure(__u64 cgroup_id, enum tcp_measure what, __u64 ns)
{
	struct tcp_histogram_key key = { .cgroup_id = cgroup_id, .measure = what };
	struct tcp_histogram *histogram = bpf_map_lookup_elem(&tcp_histograms, &key);
	__u32 bucket = 0;

	if (!cgroup_id)
		return;
	if (!histogram) {
		struct tcp_histogram fresh = {};
		bpf_map_update_elem(&tcp_histograms, &key, &fresh, BPF_NOEXIST);
		histogram = bpf_map_lookup_elem(&tcp_histograms, &key);
	}
	if (!histogram) {
		__sync_fetch_and_add(&refused.tcp_histograms, 1);
		return;
	}
	/* The sign of the difference: a comparison is a branch, and the verifier of Linux 5.10 goes both ways, 2^16 in all. */
#pragma unroll
	for (int bound = 0; bound < HISTOGRAM_BOUNDS; bound++)
		bucket += (histogram_bounds_ns[bound] - ns) >> 63;
	if (bucket > HISTOGRAM_BOUNDS)
		return;
	__sync_fetch_and_add(&histogram->sum_ns, ns);
	__sync_fetch_and_add(&histogram->counts[bucket], 1);
}
