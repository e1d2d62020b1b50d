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

struct task_struct {
	struct css_set *cgroups;
};

struct ns_common {
	unsigned int inum;
};

struct net {
	struct ns_common ns;
};

typedef struct {
	struct net *net;
} possible_net_t;

struct sock_common {
	unsigned char skc_state;
	possible_net_t skc_net;
};

struct socket;

struct sock {
	struct sock_common __sk_common;
	struct socket *sk_socket; /* NULL once no file holds the socket any more */
};

struct tcp_sock;

struct bpf_map;

struct bpf_iter__bpf_sk_storage_map {
	struct bpf_map *map;
	struct sock *sk;
	void *value;
};

#pragma clang attribute pop
