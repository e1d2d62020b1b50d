/* SPDX-License-Identifier: GPL-2.0 */
/* Sockets by the records in their storage, where these can be walked over (storage_walk.h). */
#pragma once

#include "storage_walk.h"
#include "tcp.h"

/* The record says it. */
static __always_inline void keep_socket(struct tcp_record *record, struct sock *sk)
{
}

static __always_inline struct tcp_record *kept_socket(struct tcp_record *record, struct sock *sk)
{
	return record;
}

static __always_inline void drop_socket(struct sock *sk)
{
}

SEC("iter/bpf_sk_storage_map")
int tcp_active(struct bpf_iter__bpf_sk_storage_map *ctx)
{
	refuse_unsafe_storage_walk();
	struct sock *sk = ctx->sk;
	struct tcp_record *record = ctx->value;
	if (sk && record)
		count_walked(record, sk);
	return 0;
}
