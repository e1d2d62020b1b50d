// SPDX-License-Identifier: GPL-2.0
/* The least of a walk over a map: whether the kernel allows any. */
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

SEC("iter/bpf_map_elem")
int walk(void *context)
{
	return 0;
}

char LICENSE[] SEC("license") = "GPL";
