/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Outbound TCP connections, counted per {cgroup, destination}.
 *
 * `tcp_connects` sits on the root of cgroup v2 and so sees every connect() of the machine, in the task that makes
 * it: the cgroup is known there and is kept in a record that lives and dies with the socket. Unlike tracepoints,
 * sockops programs are never skipped. `tcp_active` walks the records and counts the open ones: a number that is
 * counted anew each time cannot drift. With OPEN_SOCKETS it walks over a map of the open ones instead. Open means:
 * established once, not reset, and some file still holds it.
 */
#include "tcp.h"
#ifdef OPEN_SOCKETS
#include "open_sockets.h"
#else
#include "storage_sockets.h"
#endif

#define EVENTS BPF_SOCK_OPS_STATE_CB_FLAG

struct {
	__uint(type, BPF_MAP_TYPE_SK_STORAGE);
	__uint(map_flags, BPF_F_NO_PREALLOC | BPF_F_CLONE); /* an accepted socket inherits flags and record alike */
	__type(key, int);
	__type(value, struct tcp_record);
} tcp_sockets SEC(".maps");

/* Identity is taken here, in the task that calls connect(): later callbacks run in whatever the CPU interrupted. */
static __always_inline void connecting(struct bpf_sock_ops *ctx, struct bpf_sock *sk)
{
	struct tcp_key key = {};
	struct tcp_record *record = bpf_sk_storage_get(&tcp_sockets, sk, NULL, 0);

	/* The socket tries again, and nobody told us how the attempt before ended. */
	if (record && record->phase == TCP_CONNECTING)
		count(&record->key, false);
	if (record)
		record->phase = TCP_IDLE;

	read_destination(ctx, &key.to);
	if (!destination_counts((struct sock *)bpf_skc_to_tcp_sock(sk), &key.to))
		return;
	record = bpf_sk_storage_get(&tcp_sockets, sk, NULL, BPF_SK_STORAGE_GET_F_CREATE);
	if (!record) {
		__sync_fetch_and_add(&refused.socket_storage, 1);
		return;
	}
	key.cgroup_id = current_cgroup_id();
	record->key = key;
	record->phase = TCP_CONNECTING;
}

/*
 * Whichever callback comes first decides; a record that is no longer connecting has been counted. A connection
 * without a record (no memory for it, or older than we are) is counted once too.
 */
static __always_inline void finished(struct bpf_sock_ops *ctx, struct bpf_sock *sk, bool success, bool last)
{
	struct tcp_record *record = bpf_sk_storage_get(&tcp_sockets, sk, NULL, 0);

	if (record) {
		if (record->phase == TCP_CONNECTING) {
			record->phase = success ? TCP_OPEN : TCP_IDLE;
			count(&record->key, success);
			if (success)
				opened(ctx, sk, &record->key);
		} else if (!success) {
			record->phase = TCP_IDLE;
		}
	} else if (last) {
		struct sock *full = (struct sock *)bpf_skc_to_tcp_sock(sk);
		struct tcp_key key = { .cgroup_id = socket_cgroup_id(full) };
		read_destination(ctx, &key.to);
		if (destination_counts(full, &key.to))
			count(&key, success);
	}
}

SEC("sockops")
int tcp_connects(struct bpf_sock_ops *ctx)
{
	struct bpf_sock *sk = ctx->sk;
	if (!sk)
		return 1;

	if (ctx->op == BPF_SOCK_OPS_TCP_CONNECT_CB)
		connecting(ctx, sk);
	else if (ctx->op == BPF_SOCK_OPS_ACTIVE_ESTABLISHED_CB)
		finished(ctx, sk, true, true);
	else if (ctx->op == BPF_SOCK_OPS_STATE_CB && ctx->args[1] == BPF_TCP_ESTABLISHED)
		finished(ctx, sk, true, false);
	else if (ctx->op == BPF_SOCK_OPS_STATE_CB && ctx->args[1] == BPF_TCP_CLOSE) {
		finished(ctx, sk, false, ctx->args[0] == BPF_TCP_SYN_SENT);
		closed(ctx);
	}

	/*
	 * Ask to be told of state changes. Another program on the same cgroup may set its own flags without keeping
	 * ours; between CONNECT_CB and the SYN several more callbacks come, and one of them is after its mistake.
	 */
	if (ctx->state == BPF_TCP_SYN_SENT && !(ctx->bpf_sock_ops_cb_flags & EVENTS))
		bpf_sock_ops_cb_flags_set(ctx, ctx->bpf_sock_ops_cb_flags | EVENTS);
	return 1; /* `reply` stays as it is: the kernel asks for time-outs and windows through it */
}

char LICENSE[] SEC("license") = "GPL";
