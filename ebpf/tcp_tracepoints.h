/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Outbound TCP connections by the tracepoints inet_sock_set_state and tcp_destroy_sock.
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
#include <bpf/bpf_core_read.h>
#include <bpf/bpf_helpers.h>

static __always_inline struct tcp_record *find_record(struct sock *sk);
static __always_inline struct tcp_record *make_record(struct sock *sk);

#define IPPROTO_TCP 6

/* The programs for the states: bits of tcp_record.heard. The first is attached first, and so runs first. */
enum instance {
	FIRST = 1,
	SECOND = 2,
	THIRD = 4,
	FOURTH = 8,
};

/* Connected, though the peer or this side may have said its last word. */
#define OPEN_STATES                                                                                                    \
	(1U << BPF_TCP_ESTABLISHED | 1U << BPF_TCP_FIN_WAIT1 | 1U << BPF_TCP_FIN_WAIT2 | 1U << BPF_TCP_CLOSE_WAIT |    \
	 1U << BPF_TCP_LAST_ACK | 1U << BPF_TCP_CLOSING)

static __always_inline bool is_open(unsigned int state)
{
	return state < 32 && OPEN_STATES & 1U << state;
}

/*
 * True for the one who ends an attempt: the walk may see what an event is about to see. Kernels before 5.12 have no
 * compare-and-swap; as they skip no events either, the walk makes nothing good there.
 */
static __always_inline bool claim(struct tcp_record *record, enum tcp_phase outcome)
{
#ifdef COMPARE_AND_SWAP
	return __sync_val_compare_and_swap(&record->phase, TCP_CONNECTING, outcome) == TCP_CONNECTING;
#else
	if (record->phase != TCP_CONNECTING)
		return false;
	record->phase = outcome;
	return true;
#endif
}

static __always_inline void finish(struct tcp_record *record, bool success)
{
	struct tcp_key key = record->key;

	if (claim(record, success ? TCP_OPEN : TCP_IDLE))
		count(&key, success);
}

/* False when connect() failed before it sent anything, for want of a local port: that is no attempt. */
static __always_inline bool was_tried(struct sock *sk)
{
	return BPF_CORE_READ((struct tcp_sock *)sk, segs_out) > 0;
}

static __always_inline bool same_destination(const struct destination *a, const struct destination *b)
{
	return a->port == b->port && a->address[0] == b->address[0] && a->address[1] == b->address[1] &&
	       a->address[2] == b->address[2] && a->address[3] == b->address[3];
}

/* In the task that calls connect(), the only place where the cgroup is known. */
static __always_inline void connecting(struct sock *sk, enum instance instance)
{
	struct tcp_record *record = find_record(sk);
	struct tcp_key key = {};

	read_sock_destination(sk, &key.to);
	if (record && record->phase == TCP_CONNECTING) {
		if (!(record->heard & instance) && same_destination(&record->key.to, &key.to)) {
			record->heard |= instance;
			return;
		}
		finish(record, false); /* the socket tries again, and all programs missed how it went before */
	}
	if (record)
		record->phase = TCP_IDLE;

	if (!destination_counts(sk, &key.to))
		return;
	if (!record)
		record = make_record(sk);
	if (!record) {
		if (instance == FIRST)
			__sync_fetch_and_add(&refused.socket_storage, 1);
		return;
	}
	key.cgroup_id = current_cgroup_id();
	record->key = key;
	record->heard = instance;
	record->phase = TCP_CONNECTING;
}

/*
 * A connection without a record, because all programs missed its start, there is no memory, or it is older than we
 * are: it gets one now. Where it cannot, the first program counts it all the same.
 */
static __always_inline struct tcp_record *adopt(struct sock *sk, bool success, enum instance instance)
{
	struct tcp_key key = { .cgroup_id = socket_cgroup_id(sk) };

	read_sock_destination(sk, &key.to);
	if (!destination_counts(sk, &key.to))
		return NULL;
	struct tcp_record *record = make_record(sk);
	if (record) {
		record->key = key;
		record->heard = instance;
		record->phase = TCP_CONNECTING;
	} else if (instance == FIRST) {
		count(&key, success);
	}
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

	struct tcp_record *record = find_record(sk);
	bool failed = old == BPF_TCP_SYN_SENT && new == BPF_TCP_CLOSE;
	/* One program alone: the walk may take a record away between two programs that hear of the same event. */
	if (!record && instance == FIRST && old == BPF_TCP_SYN_SENT && (!failed || was_tried(sk)))
		record = adopt(sk, !failed, instance);
	if (!record)
		return 0;
	if (new == BPF_TCP_ESTABLISHED || is_open(old))
		finish(record, true);
	else if (failed && was_tried(sk))
		finish(record, false);
	if (new == BPF_TCP_CLOSE)
		record->phase = TCP_IDLE;
	return 0;
}

/* The last chance. Bytes were acknowledged: its SYN was, which is one of them. */
static __always_inline void destroyed(struct sock *sk)
{
	struct tcp_record *record = find_record(sk);
	if (!record)
		return;
	if (was_tried(sk))
		finish(record, BPF_CORE_READ((struct tcp_sock *)sk, bytes_acked) > 0);
	record->phase = TCP_IDLE;
}

/* What the walk does with each record. Open means: established once, not reset, and some file still holds it. */
static __always_inline void walked(struct sock *sk, struct tcp_record *record)
{
	unsigned int state = BPF_CORE_READ(sk, __sk_common.skc_state);

#ifdef COMPARE_AND_SWAP
	/* The tracepoint comes before the state changes: whoever sees the state sees what the tracepoint did. */
	if (record->phase == TCP_CONNECTING && is_open(state))
		finish(record, true);
#endif
	if (record->phase != TCP_OPEN || state == BPF_TCP_CLOSE || !BPF_CORE_READ(sk, sk_socket))
		return;
	struct tcp_key key = record->key;
	count_active(&key);
}
