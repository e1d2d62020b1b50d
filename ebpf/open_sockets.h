/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The open connections by the cookie of their socket, for kernels that cannot walk over the storage of sockets
 * (storage_walk.h). An entry whose end we were not told of is found by the walk: the memory of a socket that is gone
 * says closed, or has another cookie.
 */
#pragma once

#include "tcp.h"
#include <bpf/bpf_core_read.h>
#include <bpf/bpf_helpers.h>

struct open_socket {
	struct tcp_key key;
	__u64 address; /* of its struct sock */
};

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__uint(max_entries, 131072);
	__type(key, __u64);
	__type(value, struct open_socket);
} tcp_open SEC(".maps");

static __always_inline void opened(struct bpf_sock_ops *ctx, struct bpf_sock *sk, const struct tcp_key *key)
{
	struct open_socket entry = { .key = *key, .address = (__u64)bpf_skc_to_tcp_sock(sk) };
	__u64 cookie = bpf_get_socket_cookie(ctx);

	if (bpf_map_update_elem(&tcp_open, &cookie, &entry, BPF_ANY))
		__sync_fetch_and_add(&refused.tcp_open, 1);
}

static __always_inline void closed(struct bpf_sock_ops *ctx)
{
	__u64 cookie = bpf_get_socket_cookie(ctx);

	bpf_map_delete_elem(&tcp_open, &cookie);
}

SEC("iter/bpf_map_elem")
int tcp_active(struct bpf_iter__bpf_map_elem *ctx)
{
	const __u64 *key = ctx->key;
	const struct open_socket *entry = ctx->value;
	if (!key || !entry)
		return 0;

	__u64 cookie = *key;
	struct tcp_key of = entry->key;
	struct sock *sk = (struct sock *)entry->address;
	if (BPF_CORE_READ(sk, __sk_common.skc_cookie.counter) != cookie ||
	    BPF_CORE_READ(sk, __sk_common.skc_state) == BPF_TCP_CLOSE)
		bpf_map_delete_elem(&tcp_open, &cookie);
	else if (BPF_CORE_READ(sk, sk_socket))
		count_active(&of);
	return 0;
}
