/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Whether the records in the storage of sockets may be walked on this kernel.
 *
 * While a socket is freed, kernels since 7.0 set bpf_local_storage_elem.local_storage to NULL
 * (bpf_selem_unlink_nofail() in kernel/bpf/bpf_local_storage.c), and the walk follows that pointer without a look
 * (__bpf_sk_storage_map_seq_show() in net/core/bpf_sk_storage.c; 7.3 still does): the kernel oopses under whoever
 * walks. These kernels are known by the field `state` of that structure, wherever it was ported to. There the verifier
 * finds a read from a number and refuses the program; elsewhere it is dead code.
 */
#pragma once

#include "kernel.h"
#include <bpf/bpf_core_read.h>

static __always_inline void refuse_unsafe_storage_walk(void)
{
	struct bpf_local_storage_elem *element = NULL;

	if (bpf_core_field_exists(element->state))
		asm volatile("r1 = 0; r1 = *(u64 *)(r1 + 0)" ::: "r1");
}
