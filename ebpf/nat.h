/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Where connections really go to when conntrack translates their destination.
 *
 * `nat_new` is the filter of a netlink socket that listens for new conntrack entries in a network namespace. The kernel runs
 * it in the softirq that confirms the entry, which is before the SYN leaves and so before the client is connected. It keeps
 * the translation and lets no message through: nothing is queued, nothing is read, nothing can overrun. Whoever is connected
 * consumes the translation; those of foreign traffic are pushed out by newer ones.
 *
 * Only who may change the network of a namespace (CAP_NET_ADMIN there) can send to that socket, and a filter cannot tell its
 * messages from the kernel's. So a translation belongs to the namespace that told of it: others cannot be lied to.
 */
#pragma once

#include "destination.h"
#include "networks.h"
#include "tcp_maps.h"

/* From linux/netfilter/nfnetlink.h and nfnetlink_conntrack.h. */
#define CTNETLINK_NEW (1 << 8) /* NFNL_SUBSYS_CTNETLINK, IPCTNL_MSG_CT_NEW */
#define NLA_TYPE_MASK 0x3fff
#define CTA_TUPLE_ORIG 1
#define CTA_TUPLE_REPLY 2
#define CTA_TUPLE_IP 1
#define CTA_TUPLE_PROTO 2
#define CTA_IP_V4_SRC 1
#define CTA_IP_V4_DST 2
#define CTA_IP_V6_SRC 3
#define CTA_IP_V6_DST 4
#define CTA_PROTO_NUM 1
#define CTA_PROTO_SRC_PORT 2
#define CTA_PROTO_DST_PORT 3
#define NAT_TCP 6

/* The network namespace that all others reach the world through. */
#define NAT_HOST 0

struct nat_key {
	__u32 netns; /* inode of the namespace that translates, or NAT_HOST */
	struct destination own;
	struct destination peer; /* as the client sees it */
};

struct nat_translation {
	struct destination actual;
	__u32 unused;
	__u64 since_ns; /* CLOCK_MONOTONIC of the conntrack entry; 0: older than the filter */
};

struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 16384);
	__type(key, struct nat_key);
	__type(value, struct nat_translation);
} nat_translations SEC(".maps");

/* Namespaces by the cookies (SO_COOKIE) of the sockets that listen there, as in nat_key. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 256);
	__type(key, __u64);
	__type(value, __u32);
} nat_sockets SEC(".maps");

/* Set once there is a filter or a translation: until then nothing is looked up. */
volatile __u32 nat_translates;
/* Translations that could not be kept. */
__u64 nat_refused;

struct nat_attribute {
	__u16 bytes; /* this header included; the next begins at a multiple of 4 */
	__u16 type; /* and flags above NLA_TYPE_MASK */
};

struct nat_header {
	__u32 bytes; /* struct nlmsghdr */
	__u16 type;
	__u16 flags;
	__u32 sequence;
	__u32 from;
	__u8 family; /* struct nfgenmsg */
	__u8 version;
	__u16 resource;
	struct nat_attribute original;
};

struct nat_ports {
	struct nat_attribute all;
	struct nat_attribute protocol_of;
	__u8 protocol;
	__u8 padding[3];
	struct nat_attribute source_of;
	__be16 source;
	__u16 padding_2;
	struct nat_attribute target_of;
	__be16 target;
	__u16 padding_3;
};

/* The attribute of a tuple, from its own header to its ports. A zone may follow. */
struct nat_tuple_v4 {
	struct nat_attribute all;
	struct nat_attribute addresses;
	struct nat_attribute source_of;
	__be32 source;
	struct nat_attribute target_of;
	__be32 target;
	struct nat_ports ports;
};

struct nat_tuple_v6 {
	struct nat_attribute all;
	struct nat_attribute addresses;
	struct nat_attribute source_of;
	__be32 source[4];
	struct nat_attribute target_of;
	__be32 target[4];
	struct nat_ports ports;
};

struct nat_tuple {
	struct destination source;
	struct destination target;
};

static __always_inline bool is_attribute(const struct nat_attribute *attribute, __u16 type, __u16 bytes)
{
	return (attribute->type & NLA_TYPE_MASK) == type && attribute->bytes == bytes;
}

static __always_inline bool read_ports(const struct nat_ports *ports, struct nat_tuple *tuple)
{
	tuple->source.port = bpf_ntohs(ports->source);
	tuple->source.unused = 0;
	tuple->target.port = bpf_ntohs(ports->target);
	tuple->target.unused = 0;
	return is_attribute(&ports->all, CTA_TUPLE_PROTO, sizeof(*ports)) &&
	       is_attribute(&ports->protocol_of, CTA_PROTO_NUM, 5) && ports->protocol == NAT_TCP &&
	       is_attribute(&ports->source_of, CTA_PROTO_SRC_PORT, 6) &&
	       is_attribute(&ports->target_of, CTA_PROTO_DST_PORT, 6);
}

static __always_inline bool read_tuple_v4(struct __sk_buff *skb, __u32 at, __u16 type, struct nat_tuple *tuple)
{
	struct nat_tuple_v4 raw;

	if (bpf_skb_load_bytes(skb, at, &raw, sizeof(raw)))
		return false;
	map_ipv4(raw.source, &tuple->source);
	map_ipv4(raw.target, &tuple->target);
	return (raw.all.type & NLA_TYPE_MASK) == type && raw.all.bytes >= sizeof(raw) &&
	       is_attribute(&raw.addresses, CTA_TUPLE_IP, 20) && is_attribute(&raw.source_of, CTA_IP_V4_SRC, 8) &&
	       is_attribute(&raw.target_of, CTA_IP_V4_DST, 8) && read_ports(&raw.ports, tuple);
}

static __always_inline bool read_tuple_v6(struct __sk_buff *skb, __u32 at, __u16 type, struct nat_tuple *tuple)
{
	struct nat_tuple_v6 raw;

	if (bpf_skb_load_bytes(skb, at, &raw, sizeof(raw)))
		return false;
	__builtin_memcpy(tuple->source.address, raw.source, sizeof(raw.source));
	__builtin_memcpy(tuple->target.address, raw.target, sizeof(raw.target));
	return (raw.all.type & NLA_TYPE_MASK) == type && raw.all.bytes >= sizeof(raw) &&
	       is_attribute(&raw.addresses, CTA_TUPLE_IP, 44) && is_attribute(&raw.source_of, CTA_IP_V6_SRC, 20) &&
	       is_attribute(&raw.target_of, CTA_IP_V6_DST, 20) && read_ports(&raw.ports, tuple);
}

static __always_inline bool read_tuple(struct __sk_buff *skb, __u8 family, __u32 at, __u16 type,
				       struct nat_tuple *tuple)
{
	if (family == AF_INET)
		return read_tuple_v4(skb, at, type, tuple);
	return family == AF_INET6 && read_tuple_v6(skb, at, type, tuple);
}

SEC("socket")
int nat_new(struct __sk_buff *skb)
{
	struct nat_header header;
	struct nat_tuple original = {}, reply = {};
	__u64 cookie = bpf_get_socket_cookie(skb);
	__u32 *netns = bpf_map_lookup_elem(&nat_sockets, &cookie);

	if (!netns || bpf_skb_load_bytes(skb, 0, &header, sizeof(header)))
		return 0;
	/* Of a packet: what a program makes by itself has its port. */
	if (header.type != CTNETLINK_NEW || header.from || header.bytes > skb->len)
		return 0;
	__u32 at = sizeof(header) - sizeof(header.original);
	__u32 next = at + ((header.original.bytes + 3) & ~3);
	if (!read_tuple(skb, header.family, at, CTA_TUPLE_ORIG, &original) ||
	    !read_tuple(skb, header.family, next, CTA_TUPLE_REPLY, &reply) ||
	    same_destination(&original.target, &reply.source))
		return 0;

	struct nat_key key = { .netns = *netns, .own = original.source, .peer = original.target };
	struct nat_translation translation = { .actual = reply.source, .since_ns = bpf_ktime_get_ns() };
	if (bpf_map_update_elem(&nat_translations, &key, &translation, BPF_ANY))
		__sync_fetch_and_add(&nat_refused, 1);
	return 0;
}

/* Takes the translation of one table, if there is one for a connection that began at `since_ns` (0: nobody knows). */
static __always_inline void translate_in(struct nat_key *key, __u64 since_ns, struct destination *actual)
{
	struct nat_translation *found = bpf_map_lookup_elem(&nat_translations, key);

	if (!found)
		return;
	if (found->since_ns >= since_ns) /* not of a connection that had the same ends before */
		*actual = found->actual;
	bpf_map_delete_elem(&nat_translations, key);
}

/*
 * Puts the actual destination into `to`, which has what connect() was called with in both: the namespace of the socket may
 * translate it, and what comes out the host's may translate again. False when the connection does not count after all.
 */
static __always_inline bool translate(struct sock *sk, struct tcp_key *to, __u64 since_ns)
{
	struct nat_key key = {};

	if (!nat_translates)
		return network_counts(to);
	key.netns = netns_of(sk);
	read_own(sk, &key.own);
	if (!key.own.port) /* given back already */
		key.own.port = bpf_ntohs(BPF_CORE_READ((struct inet_sock *)sk, inet_sport));
	key.peer = to->to;
	to->actual = to->to;
	translate_in(&key, since_ns, &to->actual);
	key.netns = NAT_HOST;
	key.peer = to->actual;
	translate_in(&key, since_ns, &to->actual);
	return loopback_counts(sk, &to->actual) && network_counts(to);
}
