/* SPDX-License-Identifier: GPL-2.0 */
/* Where a socket connects to, and whether that counts. */
#pragma once

#include "kernel.h"
#include <bpf/bpf_core_read.h>
#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

struct destination {
	__be32 address[4]; /* IPv4 as ::ffff:a.b.c.d */
	__u16 port;
	__u16 unused[3]; /* part of keys, which are compared byte by byte: no padding */
};

/* Bit p: connections to port p do not count. */
const volatile __u64 ignored_ports[65536 / 64];
/* Inode of the host's network namespace, outside which loopback does not count; 0: it counts everywhere. */
const volatile __u32 host_netns = 0;

/*
 * Reads both families at once, volatile: clang would merge the two loads of the last word into one at a computed
 * offset, which the verifier refuses.
 */
static __always_inline void read_destination(const volatile struct bpf_sock_ops *ctx, struct destination *to)
{
	__be32 v4 = ctx->remote_ip4;
	__be32 v6[4] = { ctx->remote_ip6[0], ctx->remote_ip6[1], ctx->remote_ip6[2], ctx->remote_ip6[3] };
	bool is_v6 = ctx->family == AF_INET6;

	to->port = bpf_ntohl(ctx->remote_port);
	to->address[0] = is_v6 ? v6[0] : 0;
	to->address[1] = is_v6 ? v6[1] : 0;
	to->address[2] = is_v6 ? v6[2] : bpf_htonl(0xffff);
	to->address[3] = is_v6 ? v6[3] : v4;
}

/* The same from the socket itself: set before a connecting socket changes its state for the first time. */
static __always_inline void read_sock_destination(struct sock *sk, struct destination *to)
{
	struct in6_addr v6 = {};

	to->port = bpf_ntohs(BPF_CORE_READ(sk, __sk_common.skc_dport));
	if (BPF_CORE_READ(sk, __sk_common.skc_family) == AF_INET6) {
		if (bpf_core_field_exists(sk->__sk_common.skc_v6_daddr))
			BPF_CORE_READ_INTO(&v6, sk, __sk_common.skc_v6_daddr);
		__builtin_memcpy(to->address, &v6, sizeof(to->address));
	} else {
		to->address[0] = 0;
		to->address[1] = 0;
		to->address[2] = bpf_htonl(0xffff);
		to->address[3] = BPF_CORE_READ(sk, __sk_common.skc_daddr);
	}
}

static __always_inline bool in_host_netns(struct sock *sk)
{
	return !host_netns || (sk && BPF_CORE_READ(sk, __sk_common.skc_net.net, ns.inum) == host_netns);
}

static __always_inline bool destination_counts(struct sock *sk, const struct destination *to)
{
	const __be32 *words = to->address;
	__u32 last = bpf_ntohl(words[3]);

	__u32 word = to->port / 64;
	barrier_var(word); /* clang knows it to be in bounds, but not every verifier follows */
	if (ignored_ports[word & 1023] & 1ULL << to->port % 64)
		return false;
	if (!words[0] && !words[1] && words[2] == bpf_htonl(0xffff)) {
		if (last >> 16 == 0xa9fe) /* 169.254.0.0/16 */
			return false;
		return last >> 24 != 127 || in_host_netns(sk);
	}
	if ((words[0] & bpf_htonl(0xffc00000)) == bpf_htonl(0xfe800000)) /* fe80::/10 */
		return false;
	return words[0] || words[1] || words[2] || last != 1 || in_host_netns(sk);
}
