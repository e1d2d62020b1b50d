/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The few kernel structures we read, reduced to the fields we read. libbpf moves every access to where the
 * running kernel has the field (CO-RE), so order and size here mean nothing.
 */
#pragma once

#include <linux/bpf.h>
#include <stdbool.h>

#define AF_INET 2
#define AF_INET6 10

#pragma clang attribute push(__attribute__((preserve_access_index)), apply_to = record)

struct kernfs_node {
	__u64 id; /* since 5.5: the inode number of the directory */
};

struct cgroup_root {
	int hierarchy_id; /* third column of /proc/cgroups; 0 on cgroup v2 */
};

struct cgroup {
	struct kernfs_node *kn;
	struct cgroup_root *root;
};

struct cgroup_subsys_state {
	struct cgroup *cgroup;
};

enum cgroup_subsys_id {
	memory_cgrp_id,
};

struct css_set {
	struct cgroup_subsys_state *subsys[1];
	struct cgroup *dfl_cgrp;
};

struct hlist_node {
	struct hlist_node *next;
};

struct hlist_head {
	struct hlist_node *first;
};

struct super_block {
	__u32 s_dev; /* major << 20 | minor */
	unsigned long s_magic;
};

struct inode {
	unsigned short i_mode;
	unsigned long i_ino;
	struct super_block *i_sb;
	struct hlist_head i_dentry; /* its names */
};

enum inode_state_flags_enum { /* since 6.19 */
	I_DIRTY_PAGES = 1 << 6,
};

enum inode_state_flags_t { /* in 6.18 */
	I_DIRTY_PAGES___in_6_18,
};

struct xfs_inode {
	struct inode i_vnode;
};

struct dentry {
	struct dentry *d_parent; /* itself at the top of its file system */
	struct inode *d_inode;
	union {
		struct hlist_node d_alias; /* in the list of names of the inode */
	};
};

struct dentry___before_7 {
	union {
		struct hlist_node d_alias;
	} d_u;
};

struct vfsmount {
	struct dentry *mnt_root;
};

struct mount {
	struct vfsmount mnt;
	int mnt_id; /* first column of mountinfo */
};

struct path {
	struct vfsmount *mnt;
};

struct file_operations;

struct file {
	struct path f_path;
	const struct file_operations *f_op;
	void *private_data;
	struct inode *f_inode;
	unsigned int f_mode;
};

struct fdtable {
	unsigned int max_fds;
	struct file **fd;
};

struct files_struct {
	struct fdtable *fdt;
};

struct sched_info {
	unsigned long long run_delay; /* nanoseconds for which it was ready to run and did not */
};

struct sched_entity {
	__u64 sum_exec_runtime; /* nanoseconds on a CPU */
};

struct task_delay_info {
	__u64 blkio_delay; /* nanoseconds of waiting for block I/O */
};

struct task_struct {
	struct css_set *cgroups;
	struct files_struct *files;
	int pid; /* of the thread, in the first pid namespace */
	unsigned int flags;
	int exit_state;
	__u64 start_time; /* CLOCK_MONOTONIC */
	struct sched_info sched_info;
	struct sched_entity se;
	struct task_delay_info *delays; /* NULL unless it was accounted for when the task was made */
};

struct ns_common {
	unsigned int inum;
};

struct net {
	struct ns_common ns;
};

struct in6_addr {
	union {
		__be32 u6_addr32[4];
	} in6_u;
};

typedef struct {
	struct net *net;
} possible_net_t;

typedef struct {
	__s64 counter;
} atomic64_t;

typedef struct {
	int counter;
} atomic_t;

struct sock_common {
	__be32 skc_daddr;
	__be32 skc_rcv_saddr;
	__be16 skc_dport;
	__u16 skc_num; /* the own port, in the order of this machine */
	unsigned short skc_family;
	unsigned char skc_state;
	unsigned char skc_ipv6only : 1;
	possible_net_t skc_net;
	struct in6_addr skc_v6_daddr; /* IPv4 in its mapped form too; absent without CONFIG_IPV6 */
	struct in6_addr skc_v6_rcv_saddr;
	unsigned long skc_flags; /* bits of enum sock_flags */
};

enum sock_flags {
	SOCK_DEAD,
	SOCK_DONE, /* the peer has said its last word */
};

struct sock_cgroup_data {
	struct cgroup *cgroup; /* since 5.15 */
};

struct socket;

struct sock {
	struct sock_common __sk_common;
	atomic_t sk_drops; /* of one that listens: connections that found no room */
	int sk_err;
	int sk_err_soft; /* what a router complained of, while the connection goes on */
	__u32 sk_ack_backlog; /* of one that listens: connections that wait for accept() */
	__u32 sk_max_ack_backlog; /* how many may; an accepted socket has that of the one that listened */
	__u16 sk_type;
	__u16 sk_protocol; /* since 5.6 a field of its own */
	struct sock_cgroup_data sk_cgrp_data; /* that of whoever made the socket, on cgroup v2 */
	struct socket *sk_socket; /* NULL once no file holds the socket any more */
};

struct socket {
	struct sock *sk;
};

struct inet_sock {
	__be16 inet_sport; /* the own port, also after the socket has given it back */
};

struct tcp_sock {
	__u32 segs_out;
	__u32 srtt_us; /* eighths of a microsecond */
	__u32 total_retrans; /* segments, SYNs among them */
	__u64 bytes_sent; /* payload, what was sent again too */
	__u64 bytes_retrans;
	__u64 bytes_received; /* the FIN of the peer counts as one */
	__u64 bytes_acked; /* the SYN of who connected counts as one, and so does a FIN */
	__u32 snd_una; /* what the peer has acknowledged, as a sequence number */
	__u32 snd_nxt; /* what has been sent */
	__u32 write_seq; /* what there is to send */
};

struct bpf_local_storage_elem {
	struct {
	} state; /* since 7.0 */
};

struct bpf_map;

struct bpf_iter__bpf_sk_storage_map {
	struct bpf_map *map;
	struct sock *sk;
	void *value;
};

struct bpf_iter__task_file {
	union {
		struct task_struct *task;
	};
	union {
		struct file *file;
	};
};

struct bpf_iter__task {
	struct task_struct *task;
};

struct bpf_iter__bpf_map_elem {
	struct bpf_map *map;
	void *key;
	void *value;
};

#pragma clang attribute pop
