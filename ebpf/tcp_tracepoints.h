/* SPDX-License-Identifier: GPL-2.0 */
/*
 * TCP connections by the tracepoints inet_sock_set_state and tcp_destroy_sock.
 *
 * The kernel skips a tracepoint program that is already running on the CPU, and since 7.0 a task can be preempted in
 * the middle of one, which then hears nothing on that CPU until the task goes on: 2-3 % of the events are lost to a
 * single program, and with two of them there is still a connection in some thousands that neither hears of. So there
 * are four for the states, which share the records; whichever comes first acts. What all missed is made good at the
 * next event of the socket, at its end (where there is no preemption), or by the walk over the records. All but the
 * walk hold the lock of the socket.
 *
 * Whoever includes this keeps the records: it defines find_record() and make_record().
 */
#pragma once

#include "tcp.h"
#include "tcp_owners.h"

static __always_inline struct tcp_record *find_record(struct sock *sk);
static __always_inline struct tcp_record *make_record(struct sock *sk);
static __always_inline void keep_listening(struct tcp_record *record, struct sock *sk);

/* The programs for the states: bits of tcp_record.heard. The first is attached first, and so runs first. */
enum instance {
	FIRST = 1,
	SECOND = 2,
	THIRD = 4,
	FOURTH = 8,
};

/* Not the first to hear of it when the record says so already. Whoever is the first has its key to himself until it is open. */
static __always_inline void finish(struct tcp_record *record, struct sock *sk, bool success)
{
	struct tcp_key key = record->key;
	__u64 since_ns = record->since_ns;

	if (!claim(record, TCP_CONNECTING, success ? TCP_IGNORED : TCP_IDLE))
		return;
	if (!success) {
		count_failed_socket(&key, since_ns, sk);
		return;
	}
	if (!translate(sk, &key, since_ns))
		return;
	record->key.actual = key.actual;
	count_connected(&key, record, sk);
	claim(record, TCP_IGNORED, TCP_OPEN);
}

static __always_inline void begin(struct tcp_record *record, const struct tcp_key *key, __u64 since_ns,
				  enum instance instance, enum tcp_phase phase)
{
	record->key = *key;
	record->since_ns = since_ns;
	record->bytes_sent = 0;
	record->bytes_received = 0;
	record->retransmits = 0;
	record->seen_received = 0;
	record->heard = instance;
	record->forsaken = 0;
	record->phase = phase;
}

/* A record that cannot be had is counted by the first program alone. */
static __always_inline struct tcp_record *try_record(struct sock *sk, enum instance instance)
{
	struct tcp_record *record = make_record(sk);

	if (!record && instance == FIRST)
		__sync_fetch_and_add(&refused.socket_storage, 1);
	return record;
}

/* In the task that calls connect(), the only place where the cgroup is known. */
static __always_inline void connecting(struct sock *sk, enum instance instance)
{
	struct tcp_record *record = find_record(sk);
	struct tcp_key key = {};

	read_peer(sk, &key.to);
	if (record && (record->phase == TCP_CONNECTING || record->phase == TCP_OPEN)) {
		/* This attempt, also where a walk that was late took it for one that has succeeded. */
		if (!(record->heard & instance) && same_destination(&record->key.to, &key.to)) {
			record->heard |= instance;
			return;
		}
		/* The socket tries again, and all programs missed how it went before. */
		if (claim(record, TCP_CONNECTING, TCP_IDLE))
			count_failure(&record->key, TCP_CANCELLED, 0);
	}
	if (record)
		record->phase = TCP_IDLE;

	if (!destination_counts(sk, &key.to))
		return;
	if (!record)
		record = try_record(sk, instance);
	if (!record)
		return;
	key.actual = key.to;
	key.cgroup_id = current_cgroup_id();
	begin(record, &key, bpf_ktime_get_ns(), instance, TCP_CONNECTING);
}

/* Likewise of listen(). */
static __always_inline void listening(struct sock *sk, enum instance instance)
{
	struct tcp_record *record = find_record(sk);
	struct tcp_key key = {};

	read_own(sk, &key.to);
	if (!port_counts(key.to.port) || (record && record->phase == TCP_LISTENING))
		return;
	if (!record)
		record = try_record(sk, instance);
	key.cgroup_id = current_cgroup_id();
	struct listen_value *value = listen_entry(key.cgroup_id, sk, &key.to);
	if (value)
		value->last_ns = bpf_ktime_get_ns();
	if (!record)
		return;
	begin(record, &key, start_ns((void *)bpf_get_current_task()), instance, TCP_LISTENING);
	keep_listening(record, sk);
}

/* A connection has come in: its record is that of the socket that listens, or there is none. */
static __always_inline void accepted(struct sock *sk, struct tcp_record *record, enum instance instance)
{
	struct tcp_key key = {};

	if (record && record->phase != TCP_LISTENING)
		return;
	read_own(sk, &key.to);
	if (!destination_counts(sk, &key.to))
		return;
	key.cgroup_id = record ? record->key.cgroup_id : owner_of(sk, &key.to);
	if (!record)
		record = try_record(sk, instance);
	if (record)
		begin(record, &key, 0, instance, TCP_OPEN);
	if (record || instance == FIRST)
		count_open(&key, 0, 0);
}

/*
 * A connection without a record, because all programs missed its start, there is no memory, or it is older than we
 * are: it gets one now. Where it cannot, the first program counts it all the same.
 */
static __always_inline struct tcp_record *adopt_connecting(struct sock *sk, bool success, enum instance instance)
{
	struct tcp_key key = { .cgroup_id = socket_cgroup_id(sk) };

	read_peer(sk, &key.to);
	key.actual = key.to;
	if (!destination_counts(sk, &key.to))
		return NULL;
	struct tcp_record *record = make_record(sk);
	if (record)
		begin(record, &key, 0, instance, TCP_CONNECTING);
	else if (instance == FIRST && !success)
		count_failed_socket(&key, 0, sk);
	else if (instance == FIRST && translate(sk, &key, 0))
		count_open(&key, 0, 0);
	return record;
}

static __always_inline int state_changed(struct sock *sk, int old, int new, enum instance instance)
{
	if (BPF_CORE_READ(sk, sk_protocol) != IPPROTO_TCP) /* the socket above the subflows of MPTCP is no tcp_sock */
		return 0;
	if (new == BPF_TCP_SYN_SENT) {
		connecting(sk, instance);
		return 0;
	}
	if (new == BPF_TCP_LISTEN) {
		listening(sk, instance);
		return 0;
	}

	struct tcp_record *record = find_record(sk);
	if (old == BPF_TCP_SYN_RECV && new == BPF_TCP_ESTABLISHED) {
		accepted(sk, record, instance);
		return 0;
	}
	bool failed = old == BPF_TCP_SYN_SENT && new == BPF_TCP_CLOSE;
	/* One program alone: the walk may take a record away between two programs that hear of the same event. */
	if (!record && instance == FIRST && old == BPF_TCP_SYN_SENT)
		record = adopt_connecting(sk, !failed, instance);
	if (!record)
		return 0;
	if (is_open(old) && record->phase == TCP_LISTENING)
		accepted(sk, record, instance);
	if (new == BPF_TCP_ESTABLISHED || is_open(old))
		finish(record, sk, true);
	else if (failed)
		finish(record, sk, false);
	if (new == BPF_TCP_CLOSE) {
		count_end(record, sk);
		record->phase = TCP_IDLE;
	}
	return 0;
}

/* The last chance. Bytes were acknowledged: its SYN was, which is one of them. */
static __always_inline void destroyed(struct sock *sk)
{
	struct tcp_record *record = find_record(sk);
	if (!record)
		return;
	if (record->phase == TCP_CONNECTING)
		finish(record, sk, BPF_CORE_READ((struct tcp_sock *)sk, bytes_acked) > 0);
	count_end(record, sk);
	record->phase = TCP_IDLE;
}

/* What the walk does with each record. */
static __always_inline void walked(struct sock *sk, struct tcp_record *record)
{
#ifdef COMPARE_AND_SWAP
	/* The tracepoint comes before the state changes: whoever sees the state sees what the tracepoint did. */
	if (record->phase == TCP_CONNECTING && is_open(BPF_CORE_READ(sk, __sk_common.skc_state)))
		finish(record, sk, true);
#endif
	count_walked(record, sk);
}
