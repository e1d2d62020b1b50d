/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Which networks connections count to. A destination outside them counts as well when it is translated to one inside; that
 * is remembered, so that connects there also count when they fail.
 */
#pragma once

#include "tcp_maps.h"

#define MAX_NETWORKS 64

struct network {
	__be32 address[4];
	__be32 mask[4];
};

const volatile struct network networks[MAX_NETWORKS];
/* How many of them there are; 0: everything counts. */
const volatile __u32 network_count = 0;

struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 1024);
	__type(key, __be32[4]);
	__type(value, __u8);
} tcp_translated SEC(".maps");

static __always_inline bool is_inside(const struct destination *to)
{
	for (__u32 at = 0; at < MAX_NETWORKS && at < network_count; at++) {
		const volatile struct network *one = &networks[at];
		__be32 differs = ((to->address[0] ^ one->address[0]) & one->mask[0]) |
				 ((to->address[1] ^ one->address[1]) & one->mask[1]) |
				 ((to->address[2] ^ one->address[2]) & one->mask[2]) |
				 ((to->address[3] ^ one->address[3]) & one->mask[3]);
		if (!differs)
			return true;
	}
	return false;
}

/* Of connections that go out. */
static __always_inline bool network_counts(const struct tcp_key *key)
{
	__u8 yes = 1;

	if (!network_count || is_inside(&key->to))
		return true;
	if (bpf_map_lookup_elem(&tcp_translated, key->to.address))
		return true;
	if (same_destination(&key->to, &key->actual) || !is_inside(&key->actual))
		return false;
	bpf_map_update_elem(&tcp_translated, key->to.address, &yes, BPF_ANY);
	return true;
}
