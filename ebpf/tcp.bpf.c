/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Outbound TCP connections, counted per {cgroup, destination}.
 *
 * `tcp_connects` sits on the root of cgroup v2 and so sees every connect() of the machine, in the task that makes
 * it: the cgroup is known there and is kept in a record that lives and dies with the socket. Unlike tracepoints,
 * sockops programs are never skipped. `tcp_active` walks the records and counts the open ones: a number that is
 * counted anew each time cannot drift.
 */
#include "destination.h"
#include "identity.h"

#define EVENTS BPF_SOCK_OPS_STATE_CB_FLAG

struct tcp_key {
	__u64 cgroup_id;
	struct destination to;
};

struct tcp_value {
	__u64 successful;
	__u64 failed;
	__u64 last_ns; /* CLOCK_MONOTONIC of the last attempt, or of the last walk that found an open connection */
	__u32 walk; /* which walk `active` belongs to */
	__u32 active;
};

enum tcp_phase {
	TCP_IDLE, /* counted as failed, or closed */
	TCP_CONNECTING,
	TCP_OPEN, /* counted as successful */
};

struct tcp_record {
	struct tcp_key key;
	__u32 phase;
};

struct tcp_refused {
	__u64 tcp_counts;
	__u64 tcp_overflow;
	__u64 socket_storage;
};

/* Number of the current walk, set by user space before each. */
volatile __u32 walk;
/* Attempts that did not go where they belong, by what refused them. */
struct tcp_refused refused;

struct {
	__uint(type, BPF_MAP_TYPE_SK_STORAGE);
	__uint(map_flags, BPF_F_NO_PREALLOC | BPF_F_CLONE); /* an accepted socket inherits flags and record alike */
	__type(key, int);
	__type(value, struct tcp_record);
} tcp_sockets SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__uint(max_entries, 32768);
	__type(key, struct tcp_key);
	__type(value, struct tcp_value);
} tcp_counts SEC(".maps");

/* By cgroup alone, what tcp_counts had no room for. Key 0, put there before the start, takes the rest. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__uint(max_entries, 16384);
	__type(key, __u64);
	__type(value, struct tcp_value);
} tcp_overflow SEC(".maps");

static __always_inline struct tcp_value *find_or_create(void *map, const void *key)
{
	struct tcp_value *value = bpf_map_lookup_elem(map, key);
	if (value)
		return value;

	struct tcp_value fresh = {};
	bpf_map_update_elem(map, key, &fresh, BPF_NOEXIST); /* fails harmlessly when another CPU was quicker */
	return bpf_map_lookup_elem(map, key);
}

/* The entry for `key`, or the best that there is room for. `misses` hears of each map that was full. */
static __always_inline struct tcp_value *entry(const struct tcp_key *key, struct tcp_refused *misses)
{
	struct tcp_value *value = NULL;
	__u64 unknown = 0;

	if (key->cgroup_id) {
		value = find_or_create(&tcp_counts, key);
		if (value)
			return value;
		if (misses)
			__sync_fetch_and_add(&misses->tcp_counts, 1);

		value = find_or_create(&tcp_overflow, &key->cgroup_id);
		if (value)
			return value;
		if (misses)
			__sync_fetch_and_add(&misses->tcp_overflow, 1);
	}
	return bpf_map_lookup_elem(&tcp_overflow, &unknown);
}

static __always_inline void count(const struct tcp_key *key, bool success)
{
	struct tcp_value *value = entry(key, &refused);
	if (!value)
		return;
	__sync_fetch_and_add(success ? &value->successful : &value->failed, 1);
	value->last_ns = bpf_ktime_get_ns();
}

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
	if (!destination_counts(sk, &key.to))
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
 * without a record (no memory for it, or older than we are) is counted once too, as nobody's.
 */
static __always_inline void finished(struct bpf_sock_ops *ctx, struct bpf_sock *sk, bool success, bool last)
{
	struct tcp_record *record = bpf_sk_storage_get(&tcp_sockets, sk, NULL, 0);

	if (record) {
		if (record->phase == TCP_CONNECTING) {
			record->phase = success ? TCP_OPEN : TCP_IDLE;
			count(&record->key, success);
		} else if (!success) {
			record->phase = TCP_IDLE;
		}
	} else if (last) {
		struct tcp_key key = {};
		read_destination(ctx, &key.to);
		if (destination_counts(sk, &key.to))
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
	else if (ctx->op == BPF_SOCK_OPS_STATE_CB && ctx->args[1] == BPF_TCP_CLOSE)
		finished(ctx, sk, false, ctx->args[0] == BPF_TCP_SYN_SENT);

	/*
	 * Ask to be told of state changes. Another program on the same cgroup may set its own flags without keeping
	 * ours; between CONNECT_CB and the SYN several more callbacks come, and one of them is after its mistake.
	 */
	if (ctx->state == BPF_TCP_SYN_SENT && !(ctx->bpf_sock_ops_cb_flags & EVENTS))
		bpf_sock_ops_cb_flags_set(ctx, ctx->bpf_sock_ops_cb_flags | EVENTS);
	return 1; /* `reply` stays as it is: the kernel asks for time-outs and windows through it */
}

/*
 * Open means: established once, not reset, and some file still holds it. It writes no output; user space reads it
 * to its end and then looks into the maps.
 */
SEC("iter/bpf_sk_storage_map")
int tcp_active(struct bpf_iter__bpf_sk_storage_map *ctx)
{
	struct sock *sk = ctx->sk;
	struct tcp_record *record = ctx->value;
	if (!sk || !record || record->phase != TCP_OPEN)
		return 0;
	if (sk->__sk_common.skc_state == BPF_TCP_CLOSE || !sk->sk_socket)
		return 0;

	struct tcp_key key = record->key;
	struct tcp_value *value = entry(&key, NULL);
	if (!value)
		return 0;
	if (value->walk != walk) {
		value->walk = walk;
		value->active = 0;
		value->last_ns = bpf_ktime_get_ns();
	}
	value->active++;
	return 0;
}

char LICENSE[] SEC("license") = "GPL";
