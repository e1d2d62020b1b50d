/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The open and listening sockets by their address, for kernels that cannot walk over the storage of sockets
 * (storage_walk.h) or cannot make it for sockets that are older than we are. An entry whose end we were not told of is
 * found by the walk: what is at the address now is closed, or has other ends.
 */
#pragma once

#include "tcp.h"

struct open_socket {
	struct tcp_record record;
	struct destination own;
	struct destination peer;
};

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__uint(max_entries, 131072);
	__type(key, __u64);
	__type(value, struct open_socket);
} tcp_open SEC(".maps");

static __always_inline void keep_socket(struct tcp_record *record, struct sock *sk)
{
	struct open_socket socket = { .record = *record };
	__u64 address = (__u64)sk;

	read_own(sk, &socket.own);
	read_peer(sk, &socket.peer);
	if (bpf_map_update_elem(&tcp_open, &address, &socket, BPF_ANY))
		__sync_fetch_and_add(&refused.tcp_open, 1);
}

/* Where the figures of an open socket are: beside the walk. Those for which there is no room are in their record. */
static __always_inline struct tcp_record *kept_socket(struct tcp_record *record, struct sock *sk)
{
	__u64 address = (__u64)sk;
	struct open_socket *socket = bpf_map_lookup_elem(&tcp_open, &address);

	return socket ? &socket->record : record;
}

static __always_inline void drop_socket(struct sock *sk)
{
	__u64 address = (__u64)sk;

	bpf_map_delete_elem(&tcp_open, &address);
}

SEC("iter/bpf_map_elem")
int tcp_active(struct bpf_iter__bpf_map_elem *ctx)
{
	const __u64 *key = ctx->key;
	struct destination own = {}, peer = {};
	if (!key)
		return 0;

	__u64 address = *key;
	struct sock *sk = (struct sock *)address;
	struct open_socket *socket = bpf_map_lookup_elem(&tcp_open, &address);
	if (!socket)
		return 0;
	read_own(sk, &own);
	read_peer(sk, &peer);
	bool is_other = BPF_CORE_READ(sk, __sk_common.skc_state) == BPF_TCP_CLOSE ||
			!same_destination(&own, &socket->own) || !same_destination(&peer, &socket->peer);
	if (!is_other)
		count_walked(&socket->record, sk);
	else if (to_delete(&socket->record))
		bpf_map_delete_elem(&tcp_open, &address);
	return 0;
}
