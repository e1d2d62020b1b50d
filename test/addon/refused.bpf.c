// SPDX-License-Identifier: GPL-2.0
/* A program that no verifier lets pass, beside one that every verifier does. */
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 16);
	__type(key, __u32);
	__type(value, __u32);
} entries SEC(".maps");

SEC("raw_tp/sys_enter")
int unchecked(void *ctx)
{
	__u32 key = 0;
	__u32 *value = bpf_map_lookup_elem(&entries, &key);
	return *value;
}

SEC("raw_tp/sys_enter")
int harmless(void *ctx)
{
	return 0;
}

char LICENSE[] SEC("license") = "GPL";
