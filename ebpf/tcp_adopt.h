/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Sockets that are older than we are, found in the files of all tasks, and sockets that listen for another task than the
 * one that called listen() (socket activation, inherited and passed descriptors): of those that hold one, the task that was
 * started last is meant. Whoever includes this has tcp_sockets.
 */
#pragma once

#include "tcp.h"
#include "tcp_owners.h"

#define SOCK_STREAM 1

static __always_inline bool was_accepted(struct sock *sk)
{
	return BPF_CORE_READ(sk, sk_max_ack_backlog) > 0;
}

/* What there is to know of an old socket. False when it does not count. */
static __always_inline bool describe(struct sock *sk, struct task_struct *task, __u32 state, struct tcp_record *record)
{
	struct tcp_sock *tcp = (struct tcp_sock *)sk;

	record->key.cgroup_id = task_cgroup_id(task);
	if (state == BPF_TCP_LISTEN) {
		record->phase = TCP_LISTENING;
		record->since_ns = start_ns(task);
		read_own(sk, &record->key.to);
		return port_counts(record->key.to.port);
	}
	record->phase = TCP_OPEN;
	record->bytes_sent = sent_by(tcp, !was_accepted(sk));
	record->bytes_received = received_by(tcp);
	record->retransmits = BPF_CORE_READ(tcp, total_retrans);
	if (was_accepted(sk)) {
		read_own(sk, &record->key.to);
	} else {
		read_peer(sk, &record->key.to);
		record->key.actual = record->key.to;
	}
	return destination_counts(sk, &record->key.to);
}

#ifdef COMPARE_AND_SWAP /* the same age as bpf_sock_from_file() */

static __always_inline struct sock *sock_of(struct file *file)
{
	struct socket *socket = bpf_sock_from_file(file);

	return socket ? socket->sk : NULL;
}

#else

/* Not known where the kernel names only its functions (CONFIG_KALLSYMS_ALL): then nothing old is found. */
extern const void socket_file_ops __ksym __weak;

static __always_inline struct sock *sock_of(struct file *file)
{
	struct socket *socket = (struct socket *)file->private_data;

	return &socket_file_ops && file->f_op == &socket_file_ops ? BPF_CORE_READ(socket, sk) : NULL;
}

#endif

/* Of a connection that nobody knows: it counts from here on, unless it was translated to where it does not. */
static __always_inline enum tcp_phase count_adopted(struct sock *sk, struct tcp_record *found)
{
	if (!came_in(&found->key) && !translate(sk, &found->key, 0))
		return TCP_IGNORED;
	count_open(&found->key, 0, 0);
	return TCP_OPEN;
}

#ifdef SOCKET_STORAGE

/* It listens for whoever was started last. */
static __always_inline void hand_over(struct tcp_record *known, const struct tcp_record *found, struct sock *sk)
{
	if (known->phase != TCP_LISTENING || found->phase != TCP_LISTENING || found->since_ns <= known->since_ns)
		return;
	known->since_ns = found->since_ns;
	known->key.cgroup_id = found->key.cgroup_id;
	keep_socket(known, sk);
}

static __always_inline void adopt(struct sock *sk, struct tcp_record *found)
{
	struct tcp_record *record = bpf_sk_storage_get(&tcp_sockets, sk, NULL, BPF_SK_STORAGE_GET_F_CREATE);
	enum tcp_phase phase = found->phase;

	if (!record) {
		__sync_fetch_and_add(&refused.socket_storage, 1);
		return;
	}
	if (record->phase != TCP_IDLE) {
		hand_over(record, found, sk);
		return;
	}
	found->phase = TCP_IGNORED;
	if (!claim(record, TCP_IDLE, TCP_IGNORED))
		return;
	if (phase == TCP_OPEN)
		phase = count_adopted(sk, found);
	*record = *found;
	claim(record, TCP_IGNORED, phase);
	keep_socket(record, sk);
}

#else /* It is in the map of sockets alone. */

static __always_inline void adopt(struct sock *sk, struct tcp_record *found)
{
	if (kept_socket(NULL, sk))
		return;
	if (found->phase == TCP_LISTENING)
		remember_owner(sk, &found->key);
	else
		found->phase = count_adopted(sk, found);
	keep_socket(found, sk);
}

#endif

SEC("iter/task_file")
int tcp_adopt(struct bpf_iter__task_file *ctx)
{
	struct tcp_record found = {};
	struct task_struct *task = ctx->task;
	struct file *file = ctx->file; /* once: what is read again is another one to a verifier */
	if (!task || !file)
		return 0;
	struct sock *sk = sock_of(file);
	if (!sk)
		return 0;

	__u32 state = BPF_CORE_READ(sk, __sk_common.skc_state);
	__u32 family = BPF_CORE_READ(sk, __sk_common.skc_family);
	if (family != AF_INET && family != AF_INET6)
		return 0;
	if (BPF_CORE_READ(sk, sk_protocol) != IPPROTO_TCP || BPF_CORE_READ(sk, sk_type) != SOCK_STREAM)
		return 0;
	if ((state == BPF_TCP_LISTEN || is_open(state)) && describe(sk, task, state, &found))
		adopt(sk, &found);
	return 0;
}
