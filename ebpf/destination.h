/* SPDX-License-Identifier: GPL-2.0 */
/* The two ends of a socket, and whether a connection to (or from) there counts. */
#pragma once

#include "kernel.h"
#include <bpf/bpf_core_read.h>
#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

struct destination {
	__be32 address[4]; /* IPv4 as ::ffff:a.b.c.d */
	__u16 port;
	__u16 unused; /* part of keys, which are compared byte by byte: no padding */
};

/* Bit p: connections to port p do not count. */
const volatile __u64 ignored_ports[65536 / 64];
/* Inode of the host's network namespace, outside which loopback does not count; 0: it counts everywhere. */
const volatile __u32 host_netns = 0;

static __always_inline void map_ipv4(__be32 from, struct destination *to)
{
	to->address[0] = 0;
	to->address[1] = 0;
	to->address[2] = bpf_htonl(0xffff);
	to->address[3] = from;
}

/* The peer: set before a connecting socket changes its state for the first time. */
static __always_inline void read_peer(struct sock *sk, struct destination *to)
{
	to->port = bpf_ntohs(BPF_CORE_READ(sk, __sk_common.skc_dport));
	to->unused = 0;
	if (BPF_CORE_READ(sk, __sk_common.skc_family) != AF_INET6)
		map_ipv4(BPF_CORE_READ(sk, __sk_common.skc_daddr), to);
	else if (bpf_core_field_exists(sk->__sk_common.skc_v6_daddr))
		bpf_core_read(to->address, sizeof(to->address), &sk->__sk_common.skc_v6_daddr);
}

/* The own end. A wildcard stays one: :: or, of an IPv4 socket, ::ffff:0.0.0.0. */
static __always_inline void read_own(struct sock *sk, struct destination *own)
{
	own->port = BPF_CORE_READ(sk, __sk_common.skc_num);
	own->unused = 0;
	if (BPF_CORE_READ(sk, __sk_common.skc_family) != AF_INET6)
		map_ipv4(BPF_CORE_READ(sk, __sk_common.skc_rcv_saddr), own);
	else if (bpf_core_field_exists(sk->__sk_common.skc_v6_rcv_saddr))
		bpf_core_read(own->address, sizeof(own->address), &sk->__sk_common.skc_v6_rcv_saddr);
}

static __always_inline bool same_destination(const struct destination *a, const struct destination *b)
{
	return a->port == b->port && a->address[0] == b->address[0] && a->address[1] == b->address[1] &&
	       a->address[2] == b->address[2] && a->address[3] == b->address[3];
}

static __always_inline __u32 netns_of(struct sock *sk)
{
	return BPF_CORE_READ(sk, __sk_common.skc_net.net, ns.inum);
}

static __always_inline bool in_host_netns(struct sock *sk)
{
	return !host_netns || (sk && netns_of(sk) == host_netns);
}

static __always_inline bool is_mapped(const struct destination *to)
{
	return !to->address[0] && !to->address[1] && to->address[2] == bpf_htonl(0xffff);
}

static __always_inline bool port_counts(__u16 port)
{
	__u32 word = port / 64;

	barrier_var(word); /* clang knows it to be in bounds, but not every verifier follows */
	return !(ignored_ports[word & 1023] & 1ULL << port % 64);
}

/* Loopback is everybody's own: it counts in the host's namespace alone. */
static __always_inline bool loopback_counts(struct sock *sk, const struct destination *to)
{
	const __be32 *words = to->address;
	__u32 last = bpf_ntohl(words[3]);
	bool is_loopback = is_mapped(to) ? last >> 24 == 127 : !words[0] && !words[1] && !words[2] && last == 1;

	return !is_loopback || in_host_netns(sk);
}

static __always_inline bool destination_counts(struct sock *sk, const struct destination *to)
{
	const __be32 *words = to->address;

	if (!port_counts(to->port))
		return false;
	if (is_mapped(to) && bpf_ntohl(words[3]) >> 16 == 0xa9fe) /* 169.254.0.0/16 */
		return false;
	if ((words[0] & bpf_htonl(0xffc00000)) == bpf_htonl(0xfe800000)) /* fe80::/10 */
		return false;
	return loopback_counts(sk, to);
}
