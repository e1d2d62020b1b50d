/* SPDX-License-Identifier: GPL-2.0 */
/*
 * TCP connections where sockops cannot be had: by typed tracepoints, with the record in the storage of the
 * socket. Needs Linux 5.12 (storage in tracing programs, compare-and-swap) and a kernel that can walk over the storage.
 */
#include "storage_walk.h"
#include "tcp_tracepoints.h"
#include <bpf/bpf_tracing.h>

struct {
	__uint(type, BPF_MAP_TYPE_SK_STORAGE);
	__uint(map_flags, BPF_F_NO_PREALLOC | BPF_F_CLONE); /* an accepted socket inherits the record */
	__type(key, int);
	__type(value, struct tcp_record);
} tcp_sockets SEC(".maps");

static __always_inline struct tcp_record *find_record(struct sock *sk)
{
	return bpf_sk_storage_get(&tcp_sockets, sk, NULL, 0);
}

static __always_inline struct tcp_record *make_record(struct sock *sk)
{
	return bpf_sk_storage_get(&tcp_sockets, sk, NULL, BPF_SK_STORAGE_GET_F_CREATE);
}

/* It is inherited. */
static __always_inline void keep_listening(struct tcp_record *record, struct sock *sk)
{
}

static __always_inline void keep_socket(struct tcp_record *record, struct sock *sk)
{
}

#include "tcp_adopt.h"

#define STATE_PROGRAM(name, instance)                                                                                  \
	SEC("tp_btf/inet_sock_set_state")                                                                              \
	int BPF_PROG(name, struct sock *sk, int old, int new)                                                          \
	{                                                                                                              \
		return state_changed(sk, old, new, instance);                                                          \
	}

STATE_PROGRAM(tcp_state, FIRST)
STATE_PROGRAM(tcp_state_2, SECOND)
STATE_PROGRAM(tcp_state_3, THIRD)
STATE_PROGRAM(tcp_state_4, FOURTH)

SEC("tp_btf/tcp_destroy_sock")
int BPF_PROG(tcp_destroy, struct sock *sk)
{
	destroyed(sk);
	return 0;
}

SEC("iter/bpf_sk_storage_map")
int tcp_active(struct bpf_iter__bpf_sk_storage_map *ctx)
{
	refuse_unsafe_storage_walk();
	struct sock *sk = ctx->sk;
	struct tcp_record *record = ctx->value;
	if (sk && record)
		walked(sk, record);
	return 0;
}

char LICENSE[] SEC("license") = "GPL";
