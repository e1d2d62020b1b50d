// SPDX-License-Identifier: GPL-2.0
/* What the tests of the addon load: a map of each kind, an iterator that copies, one that sends, hooks that count. */
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

#define CORE __attribute__((preserve_access_index))

struct seq_file;
struct bpf_map;

struct CORE bpf_iter_meta {
	struct seq_file *seq;
};

struct CORE bpf_iter__bpf_map_elem {
	struct bpf_iter_meta *meta;
	struct bpf_map *map;
	void *key;
	void *value;
};

/* 12 + 4 bytes: an entry that padding would change. */
struct key {
	__u32 words[3];
};

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 16);
	__type(key, struct key);
	__type(value, __u32);
} entries SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_HASH);
	__uint(max_entries, 16);
	__type(key, __u32);
	__type(value, __u32);
} per_cpu SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 8);
	__type(key, __u32);
	__type(value, __u64);
} places SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 1 << 22);
} events SEC(".maps");

/* Structs, so that the offsets are those of C and not the linker's choice. */
const volatile struct {
	__u32 factor;
	__u32 unused;
} settings = { 1, 0 };

struct {
	__u64 entered;
	__u64 socket_events;
	__u64 sent;
	__u64 refused;
	__u32 addend;
	__u64 messages;
} counts;

struct {
	__u64 initial;
} presets = { 7 };

SEC("iter/bpf_map_elem")
int copy(struct bpf_iter__bpf_map_elem *ctx)
{
	struct key *key = ctx->key;
	__u32 *value = ctx->value;
	if (!key || !value)
		return 0;

	struct {
		struct key key;
		__u32 value;
	} entry = { *key, *value * settings.factor + counts.addend };
	bpf_seq_write(ctx->meta->seq, &entry, sizeof(entry));
	return 0;
}

/* One record of 8, 12, 16 or 20 bytes for each entry: a number that counts up and is repeated. */
SEC("iter/bpf_map_elem")
int send(struct bpf_iter__bpf_map_elem *ctx)
{
	if (!ctx->key)
		return 0;

	__u32 number = counts.sent;
	__u32 record[5] = { number, number, number, number, number };
	if (bpf_ringbuf_output(&events, record, 8 + (number & 3) * 4, 0))
		counts.refused++;
	else
		counts.sent++;
	return 0;
}

SEC("raw_tp/sys_enter")
int entered(void *ctx)
{
	__sync_fetch_and_add(&counts.entered, 1);
	return 0;
}

SEC("sockops")
int socket_events(struct bpf_sock_ops *ctx)
{
	__sync_fetch_and_add(&counts.socket_events, presets.initial);
	return 1;
}

/* Of a socket: lets nothing through. */
SEC("socket")
int messages(struct __sk_buff *skb)
{
	__sync_fetch_and_add(&counts.messages, 1);
	return 0;
}

char LICENSE[] SEC("license") = "GPL";
