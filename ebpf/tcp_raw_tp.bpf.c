/* SPDX-License-Identifier: GPL-2.0 */
/*
 * TCP connections where tracing programs have no socket storage: by raw tracepoints, with the records in a
 * hash by the address of the socket. They go when the socket does. An address whose end was missed is found by the
 * walk, or belongs to a new socket some day.
 */
#define TCP_MAP_FLAGS 0 /* kernels before 6.1 warn when a raw tracepoint uses a map that allocates */

#include "tcp_tracepoints.h"

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(map_flags, TCP_MAP_FLAGS);
	__uint(max_entries, 32768);
	__type(key, __u64);
	__type(value, struct tcp_record);
} tcp_sockets SEC(".maps");

static __always_inline struct tcp_record *find_record(struct sock *sk)
{
	__u64 address = (__u64)sk;
	return bpf_map_lookup_elem(&tcp_sockets, &address);
}

static __always_inline struct tcp_record *make_record(struct sock *sk)
{
	struct tcp_record fresh = {};
	__u64 address = (__u64)sk;

	bpf_map_update_elem(&tcp_sockets, &address, &fresh, BPF_NOEXIST);
	return bpf_map_lookup_elem(&tcp_sockets, &address);
}

/* Nobody inherits from a hash. */
static __always_inline void keep_listening(struct tcp_record *record, struct sock *sk)
{
	remember_owner(sk, &record->key);
}

static __always_inline struct tcp_record *kept_socket(struct tcp_record *record, struct sock *sk)
{
	return find_record(sk);
}

static __always_inline void keep_socket(struct tcp_record *record, struct sock *sk)
{
	struct tcp_record *made = make_record(sk);

	if (made)
		*made = *record;
	else
		__sync_fetch_and_add(&refused.socket_storage, 1);
}

#include "tcp_adopt.h"

static __always_inline int changed(struct bpf_raw_tracepoint_args *ctx, enum instance instance)
{
	__u64 address = ctx->args[0];

	/* A socket that was accepted: the record is of one that had the address before. */
	if (ctx->args[1] == BPF_TCP_LISTEN) {
		bpf_map_delete_elem(&tcp_sockets, &address);
		return 0;
	}
	return state_changed((struct sock *)address, ctx->args[1], ctx->args[2], instance);
}

#define STATE_PROGRAM(name, instance)                                                                                  \
	SEC("raw_tp/inet_sock_set_state")                                                                              \
	int name(struct bpf_raw_tracepoint_args *ctx)                                                                  \
	{                                                                                                              \
		return changed(ctx, instance);                                                                         \
	}

STATE_PROGRAM(tcp_state, FIRST)
STATE_PROGRAM(tcp_state_2, SECOND)
STATE_PROGRAM(tcp_state_3, THIRD)
STATE_PROGRAM(tcp_state_4, FOURTH)

SEC("raw_tp/tcp_destroy_sock")
int tcp_destroy(struct bpf_raw_tracepoint_args *ctx)
{
	__u64 address = ctx->args[0];

	destroyed((struct sock *)address);
	bpf_map_delete_elem(&tcp_sockets, &address);
	return 0;
}

/* The socket may be gone: then this reads what came after it, which is why the destination must still be the same. */
SEC("iter/bpf_map_elem")
int tcp_active(struct bpf_iter__bpf_map_elem *ctx)
{
	const __u64 *key = ctx->key;
	if (!key)
		return 0;
	__u64 address = *key;
	struct sock *sk = (struct sock *)address;
	struct destination own = {}, peer = {};
	struct tcp_record *record = bpf_map_lookup_elem(&tcp_sockets, &address);
	if (!record)
		return 0;
	if (record->phase != TCP_CONNECTING && BPF_CORE_READ(sk, __sk_common.skc_state) == BPF_TCP_CLOSE) {
		if (to_delete(record))
			bpf_map_delete_elem(&tcp_sockets, &address);
		return 0;
	}
	read_own(sk, &own);
	read_peer(sk, &peer);
	if (came_in(&record->key) ? same_destination(&record->key.to, &own) : same_destination(&record->key.to, &peer))
		walked(sk, record);
	return 0;
}

char LICENSE[] SEC("license") = "GPL";
