/* SPDX-License-Identifier: GPL-2.0 */
/* The open connections by the records in the storage of their sockets, where these can be walked over (storage_walk.h). */
#pragma once

#include "storage_walk.h"
#include "tcp.h"

/* The record says it. */
static __always_inline void opened(struct bpf_sock_ops *ctx, struct bpf_sock *sk, const struct tcp_key *key)
{
}

static __always_inline void closed(struct bpf_sock_ops *ctx)
{
}

SEC("iter/bpf_sk_storage_map")
int tcp_active(struct bpf_iter__bpf_sk_storage_map *ctx)
{
	refuse_unsafe_storage_walk();
	struct sock *sk = ctx->sk;
	struct tcp_record *record = ctx->value;
	if (!sk || !record || record->phase != TCP_OPEN)
		return 0;
	if (sk->__sk_common.skc_state == BPF_TCP_CLOSE || !sk->sk_socket)
		return 0;

	struct tcp_key key = record->key;
	count_active(&key);
	return 0;
}
