/* SPDX-License-Identifier: GPL-2.0 */
/*
 * TCP connections per {cgroup, own or other end}: what is known of a socket, and what is counted when. Connections that
 * go out are told apart by where they go to, those that come in by the own address.
 */
#pragma once

#include "identity.h"
#include "nat.h"
#include "tcp_histograms.h"
#include "tcp_listens.h"
#include "tcp_maps.h"

#define IPPROTO_TCP 6
#define EPIPE 32
#define ENETUNREACH 101
#define ECONNRESET 104
#define ETIMEDOUT 110
#define ECONNREFUSED 111
#define EHOSTUNREACH 113

/* Who gives up after the kernel had to send the first SYN again has waited in vain. */
#define PATIENCE_NS 1000000000ULL

enum tcp_phase {
	TCP_IDLE, /* counted as failed, or closed */
	TCP_CONNECTING,
	TCP_OPEN, /* counted as successful */
	TCP_LISTENING, /* of an accepted socket: inherited, and not yet its own */
	TCP_IGNORED, /* open, but where it was translated to does not count */
};

struct tcp_record {
	struct tcp_key key;
	__u64 since_ns; /* of connect(), CLOCK_MONOTONIC; of one that listens, the start of the task it belongs to */
	__u64 bytes_sent; /* this and the next two: what has been counted of it */
	__u64 bytes_received;
	__u64 retransmits;
	__u64 seen_received; /* by the last walk */
	enum tcp_phase phase;
	__u32 heard; /* tracepoints: which programs have told of this attempt */
	__u32 forsaken; /* a walk found that the socket is not what it was */
};

/*
 * True for the one who takes a record from one phase to another: the walk may see what an event is about to see. Kernels
 * before 5.12 have no compare-and-swap; as they skip no events either, the walk makes nothing good there.
 */
static __always_inline bool claim(struct tcp_record *record, enum tcp_phase from, enum tcp_phase to)
{
#ifdef COMPARE_AND_SWAP
	return __sync_val_compare_and_swap(&record->phase, from, to) == from;
#else
	if (record->phase != from)
		return false;
	record->phase = to;
	return true;
#endif
}

/* By how much a figure has grown since it was counted. It only goes forward, and what it grew by is told once. */
static __always_inline __u64 grown(__u64 *counted, __u64 now)
{
	__u64 before = *counted;

#ifdef COMPARE_AND_SWAP
	for (int attempt = 0; attempt < 4; attempt++) {
		if (now <= before)
			return 0;
		__u64 found = __sync_val_compare_and_swap(counted, before, now);
		if (found == before)
			return now - before;
		before = found;
	}
	return 0;
#else
	if (now <= before)
		return 0;
	*counted = now;
	return now - before;
#endif
}

/*
 * Of a record that does not fit its socket any more, and whose socket may have a new life before the walk that saw this has
 * deleted it: it goes when a second walk finds it as it was.
 */
static __always_inline bool to_delete(struct tcp_record *record)
{
	__u32 before = record->forsaken;

	record->forsaken = 1;
	return before;
}

#define FIN_STATES                                                                                                     \
	(1U << BPF_TCP_FIN_WAIT1 | 1U << BPF_TCP_FIN_WAIT2 | 1U << BPF_TCP_LAST_ACK | 1U << BPF_TCP_CLOSING)

/*
 * Payload that has been sent: what is acknowledged and what is on its way, less the SYN of who connected and the own FIN.
 * The kernel's own count has what the own machine has dropped on its way out as often as it was tried.
 *
 * The socket may be at work: in this order a byte is rather missed until the next time than counted for what it is not.
 */
static __always_inline __u64 sent_by(struct tcp_sock *tcp, bool connected)
{
	__u32 next = BPF_CORE_READ(tcp, snd_nxt);
	__u64 acked = BPF_CORE_READ(tcp, bytes_acked);
	__u32 on_its_way = next - BPF_CORE_READ(tcp, snd_una);
	__u32 state = BPF_CORE_READ((struct sock *)tcp, __sk_common.skc_state);
	bool fin = state < 32 && FIN_STATES & 1U << state && next == BPF_CORE_READ(tcp, write_seq);

	if (state == BPF_TCP_CLOSE) /* nobody knows any more whether there was a FIN */
		return BPF_CORE_READ(tcp, bytes_sent) - BPF_CORE_READ(tcp, bytes_retrans);
	__u64 sent = acked + (on_its_way < 1U << 31 ? on_its_way : 0);
	__u32 signs = connected + fin;
	return sent > signs ? sent - signs : 0;
}

/* The FIN of the peer counts as a byte in the kernel. */
static __always_inline __u64 received_by(struct tcp_sock *tcp)
{
	__u64 bytes = BPF_CORE_READ(tcp, bytes_received);
	bool fin = BPF_CORE_READ((struct sock *)tcp, __sk_common.skc_flags) >> SOCK_DONE & 1;

	return fin && bytes ? bytes - 1 : bytes;
}

/*
 * The same while the socket may be at work: a FIN is counted a moment before the socket says that it is one. So the last
 * byte waits until a second walk finds nothing new.
 */
static __always_inline __u64 settled(struct tcp_record *record, struct tcp_sock *tcp)
{
	__u64 before = record->seen_received;
	__u64 bytes = received_by(tcp);

	record->seen_received = bytes;
	return bytes == before || !bytes ? bytes : bytes - 1;
}

#define OPEN_STATES                                                                                                    \
	(1U << BPF_TCP_ESTABLISHED | 1U << BPF_TCP_FIN_WAIT1 | 1U << BPF_TCP_FIN_WAIT2 | 1U << BPF_TCP_CLOSE_WAIT |    \
	 1U << BPF_TCP_LAST_ACK | 1U << BPF_TCP_CLOSING)

/* Connected, though the peer or this side may have said its last word. */
static __always_inline bool is_open(unsigned int state)
{
	return state < 32 && OPEN_STATES & 1U << state;
}

static __always_inline void add(__u64 *to, __u64 what)
{
	if (what)
		__sync_fetch_and_add(to, what);
}

/* Counts what a connection has carried since it was looked at last. */
static __always_inline void count_traffic(struct tcp_record *record, struct sock *sk, struct tcp_value *value,
					  __u64 received)
{
	struct tcp_sock *tcp = (struct tcp_sock *)sk;

	add(&value->bytes_sent, grown(&record->bytes_sent, sent_by(tcp, !came_in(&record->key))));
	add(&value->bytes_received, grown(&record->bytes_received, received));
	add(&value->retransmits, grown(&record->retransmits, BPF_CORE_READ(tcp, total_retrans)));
}

/* A connection is there, after `took_ns` (0: nobody knows) and so many SYNs that were sent again. */
static __always_inline void count_open(const struct tcp_key *key, __u64 took_ns, __u64 syn_retransmits)
{
	struct tcp_value *value = entry(key, false, true);

	if (took_ns)
		measure(key->cgroup_id, TCP_CONNECT_TIME, took_ns);
	if (!value)
		return;
	__sync_fetch_and_add(&value->successful, 1);
	add(&value->connect_ns, took_ns);
	add(&value->syn_retransmits, syn_retransmits);
	value->last_ns = bpf_ktime_get_ns();
}

/* The same of a socket that has just been connected; `key` is that of its record. */
static __always_inline void count_connected(const struct tcp_key *key, struct tcp_record *record, struct sock *sk)
{
	__u64 since_ns = record->since_ns;
	__u64 syn_retransmits = grown(&record->retransmits, BPF_CORE_READ((struct tcp_sock *)sk, total_retrans));

	count_open(key, since_ns ? bpf_ktime_get_ns() - since_ns : 0, syn_retransmits);
}

static __always_inline enum tcp_failure why(int error, __u64 since_ns, __u64 now)
{
	if (error == ECONNREFUSED)
		return TCP_REFUSED;
	if (error == ETIMEDOUT)
		return TCP_TIMED_OUT;
	if (error == EHOSTUNREACH || error == ENETUNREACH)
		return TCP_UNREACHABLE;
	return !error && since_ns && now - since_ns >= PATIENCE_NS ? TCP_TIMED_OUT : TCP_CANCELLED;
}

static __always_inline void count_failure(const struct tcp_key *key, __u32 reason, __u32 syn_retransmits)
{
	struct tcp_value *value = network_counts(key) ? entry(key, true, true) : NULL;

	if (!value || reason >= TCP_FAILURES)
		return;
	__sync_fetch_and_add(&value->failed[reason], 1);
	add(&value->syn_retransmits, syn_retransmits);
	value->last_ns = bpf_ktime_get_ns();
}

/* False when connect() failed before it sent anything: there was no port for it. */
static __always_inline bool was_tried(struct sock *sk)
{
	return BPF_CORE_READ((struct tcp_sock *)sk, segs_out) > 0;
}

static __always_inline void count_failed_socket(const struct tcp_key *key, __u64 since_ns, struct sock *sk)
{
	int error = BPF_CORE_READ(sk, sk_err);

	if (!error)
		error = BPF_CORE_READ(sk, sk_err_soft);
	count_failure(key, was_tried(sk) ? why(error, since_ns, bpf_ktime_get_ns()) : TCP_NO_PORT,
		      BPF_CORE_READ((struct tcp_sock *)sk, total_retrans));
}

/* A connection that was there has gone; what it has carried is final. */
static __always_inline void count_end(struct tcp_record *record, struct sock *sk)
{
	struct tcp_sock *tcp = (struct tcp_sock *)sk;
	int error = BPF_CORE_READ(sk, sk_err);
	__u64 round_trip_ns = BPF_CORE_READ(tcp, srtt_us) * 125ULL; /* from eighths of a microsecond */

	if (!claim(record, TCP_OPEN, TCP_IDLE))
		return;
	struct tcp_value *value = entry(&record->key, false, false);
	if (value) {
		count_traffic(record, sk, value, received_by(tcp));
		if (error == ECONNRESET || error == EPIPE)
			__sync_fetch_and_add(&value->resets, 1);
	}
	if (round_trip_ns && !came_in(&record->key))
		measure(record->key.cgroup_id, TCP_ROUND_TRIP_TIME, round_trip_ns);
}

/* What the walk does with each socket. Open means: established once, not reset, and some file still holds it. */
static __always_inline void count_walked(struct tcp_record *record, struct sock *sk)
{
	__u32 state = BPF_CORE_READ(sk, __sk_common.skc_state);

	if (record->phase == TCP_LISTENING && state == BPF_TCP_LISTEN)
		count_listening(record->key.cgroup_id, sk);
	if (record->phase != TCP_OPEN || state == BPF_TCP_CLOSE)
		return;

	struct tcp_key key = record->key; /* what an iterator hands over is no key of a map */
	struct tcp_value *value = entry(&key, false, false);
	if (!value)
		return;
	count_traffic(record, sk, value, settled(record, (struct tcp_sock *)sk));
	if (!BPF_CORE_READ(sk, sk_socket))
		return;
	if (value->walk != walk) {
		value->walk = walk;
		value->active = 0;
		value->last_ns = bpf_ktime_get_ns();
	}
	value->active++;
}
