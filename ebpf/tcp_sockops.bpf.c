/* SPDX-License-Identifier: GPL-2.0 */
/*
 * TCP connections, counted per {cgroup, destination} or {cgroup, own address}.
 *
 * `tcp_connects` sits on the root of cgroup v2 and so sees every connect() and listen() of the machine, in the task that
 * makes it: the cgroup is known there and is kept in a record that lives and dies with the socket. An accepted socket
 * inherits that of the one that listened. Unlike tracepoints, sockops programs are never skipped. `tcp_active` walks the
 * records and counts what is open and listens: a number that is counted anew each time cannot drift. With OPEN_SOCKETS it
 * walks over a map of them instead. `tcp_adopt` finds the sockets that are older than the program.
 */
#include "tcp.h"
#include <bpf/bpf_tracing.h>
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

#include "tcp_adopt.h"

static __always_inline struct tcp_record *make_record(struct bpf_sock *sk)
{
	struct tcp_record *record = bpf_sk_storage_get(&tcp_sockets, sk, NULL, BPF_SK_STORAGE_GET_F_CREATE);

	if (!record)
		__sync_fetch_and_add(&refused.socket_storage, 1);
	return record;
}

/* A new life of the socket. Whatever was counted of another is kept apart by zeros. */
static __always_inline void begin(struct tcp_record *record, const struct tcp_key *key, __u64 since_ns,
				  enum tcp_phase phase)
{
	record->key = *key;
	record->since_ns = since_ns;
	record->bytes_sent = 0;
	record->bytes_received = 0;
	record->retransmits = 0;
	record->seen_received = 0;
	record->phase = phase;
}

/* Identity is taken here, in the task that calls connect(): later callbacks run in whatever the CPU interrupted. */
static __always_inline void connecting(struct bpf_sock *sk, struct sock *full)
{
	struct tcp_key key = {};
	struct tcp_record *record = bpf_sk_storage_get(&tcp_sockets, sk, NULL, 0);

	/* The socket tries again, and nobody told us how the attempt before ended. */
	if (record && record->phase == TCP_CONNECTING)
		count_failure(&record->key, TCP_CANCELLED, 0);
	if (record)
		record->phase = TCP_IDLE;

	read_peer(full, &key.to);
	if (!destination_counts(full, &key.to))
		return;
	if (!record)
		record = make_record(sk);
	if (!record)
		return;
	key.actual = key.to;
	key.cgroup_id = current_cgroup_id();
	begin(record, &key, bpf_ktime_get_ns(), TCP_CONNECTING);
}

/* Out of memory for records, or older than we are: whose it is, the socket itself may know. */
static __always_inline void orphaned_key(struct sock *sk, struct tcp_key *key)
{
	key->cgroup_id = socket_cgroup_id(sk);
	read_peer(sk, &key->to);
	key->actual = key->to;
}

static __always_inline void connected(struct bpf_sock *sk, struct sock *full, bool last)
{
	struct tcp_record *record = bpf_sk_storage_get(&tcp_sockets, sk, NULL, 0);

	if (!record && last) {
		struct tcp_key key = {};
		orphaned_key(full, &key);
		if (!destination_counts(full, &key.to))
			return;
		record = make_record(sk);
		if (!record) {
			if (translate(full, &key, 0))
				count_open(&key, 0, 0);
			return;
		}
		begin(record, &key, 0, TCP_CONNECTING);
	}
	if (!record || record->phase != TCP_CONNECTING)
		return;
	bool counts = translate(full, &record->key, record->since_ns);
	if (counts)
		count_connected(&record->key, record, full);
	record->phase = counts ? TCP_OPEN : TCP_IGNORED;
	keep_socket(record, full);
}

static __always_inline void accepted(struct bpf_sock *sk, struct sock *full)
{
	struct tcp_key key = {};
	struct tcp_record *record = bpf_sk_storage_get(&tcp_sockets, sk, NULL, 0);

	read_own(full, &key.to);
	if (!destination_counts(full, &key.to))
		return;
	key.cgroup_id = record ? record->key.cgroup_id : owner_of(full, &key.to);
	count_open(&key, 0, 0);
	if (!record)
		record = make_record(sk);
	if (!record)
		return;
	begin(record, &key, 0, TCP_OPEN);
	keep_socket(record, full);
}

static __always_inline void listening(struct bpf_sock *sk, struct sock *full)
{
	struct tcp_key key = {};

	read_own(full, &key.to);
	if (!port_counts(key.to.port))
		return;
	struct tcp_record *record = make_record(sk);
	key.cgroup_id = current_cgroup_id();
	struct listen_value *value = listen_entry(key.cgroup_id, full, &key.to);
	if (value)
		value->last_ns = bpf_ktime_get_ns();
	if (!record)
		return;
	begin(record, &key, start_ns((void *)bpf_get_current_task()), TCP_LISTENING);
	keep_socket(record, full);
}

static __always_inline void closed(struct bpf_sock *sk, struct sock *full, __u32 before)
{
	struct tcp_record *record = bpf_sk_storage_get(&tcp_sockets, sk, NULL, 0);

	if (record && record->phase == TCP_CONNECTING) {
		count_failed_socket(&record->key, record->since_ns, full);
	} else if (record) {
		count_end(kept_socket(record, full), full);
		drop_socket(full);
	} else if (before == BPF_TCP_SYN_SENT && was_tried(full)) {
		struct tcp_key key = {};
		orphaned_key(full, &key);
		if (destination_counts(full, &key.to))
			count_failed_socket(&key, 0, full);
	}
	if (record)
		record->phase = TCP_IDLE;
}

SEC("sockops")
int tcp_connects(struct bpf_sock_ops *ctx)
{
	struct bpf_sock *sk = ctx->sk;
	if (!sk)
		return 1;
	struct sock *full = (struct sock *)bpf_skc_to_tcp_sock(sk);
	if (!full)
		return 1;

	bool is_state = ctx->op == BPF_SOCK_OPS_STATE_CB;
	if (ctx->op == BPF_SOCK_OPS_TCP_CONNECT_CB)
		connecting(sk, full);
	else if (ctx->op == BPF_SOCK_OPS_ACTIVE_ESTABLISHED_CB)
		connected(sk, full, true);
	else if (is_state && ctx->args[0] == BPF_TCP_SYN_SENT && ctx->args[1] == BPF_TCP_ESTABLISHED)
		connected(sk, full, false);
	else if (ctx->op == BPF_SOCK_OPS_PASSIVE_ESTABLISHED_CB)
		accepted(sk, full);
	else if (ctx->op == BPF_SOCK_OPS_TCP_LISTEN_CB)
		listening(sk, full);
	else if (is_state && ctx->args[1] == BPF_TCP_CLOSE)
		closed(sk, full, ctx->args[0]);

	/*
	 * Ask to be told of state changes. Another program on the same cgroup may set its own flags without keeping
	 * ours; between CONNECT_CB and the SYN several more callbacks come, and one of them is after its mistake.
	 */
	if ((ctx->state == BPF_TCP_SYN_SENT || ctx->op == BPF_SOCK_OPS_PASSIVE_ESTABLISHED_CB ||
	     ctx->op == BPF_SOCK_OPS_TCP_LISTEN_CB) &&
	    !(ctx->bpf_sock_ops_cb_flags & EVENTS))
		bpf_sock_ops_cb_flags_set(ctx, ctx->bpf_sock_ops_cb_flags | EVENTS);
	return 1; /* `reply` stays as it is: the kernel asks for time-outs and windows through it */
}

/* For want of a port connect() fails before it calls the program above. */
SEC("tp_btf/inet_sock_set_state")
int BPF_PROG(tcp_no_port, struct sock *sk, int old, int new)
{
	struct tcp_key key = {};

	if (old != BPF_TCP_SYN_SENT || new != BPF_TCP_CLOSE || BPF_CORE_READ(sk, sk_protocol) != IPPROTO_TCP ||
	    was_tried(sk))
		return 0;
	read_peer(sk, &key.to);
	if (!destination_counts(sk, &key.to))
		return 0;
	key.actual = key.to;
	key.cgroup_id = current_cgroup_id();
	count_failure(&key, TCP_NO_PORT, 0);
	return 0;
}

char LICENSE[] SEC("license") = "GPL";
