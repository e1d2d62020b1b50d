/* SPDX-License-Identifier: GPL-2.0 */
/* Somebody else's sockops program, of the careless kind: it sets its own flag and with that clears all others. */
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

__u64 connects;
__u64 kept; /* connections that still had its flag when they were established */

SEC("sockops")
int neighbour(struct bpf_sock_ops *ctx)
{
	if (ctx->op == BPF_SOCK_OPS_TCP_CONNECT_CB) {
		bpf_sock_ops_cb_flags_set(ctx, BPF_SOCK_OPS_RTT_CB_FLAG);
		__sync_fetch_and_add(&connects, 1);
	} else if (ctx->op == BPF_SOCK_OPS_ACTIVE_ESTABLISHED_CB) {
		if (ctx->bpf_sock_ops_cb_flags & BPF_SOCK_OPS_RTT_CB_FLAG)
			__sync_fetch_and_add(&kept, 1);
		bpf_sock_ops_cb_flags_set(ctx, BPF_SOCK_OPS_RTT_CB_FLAG);
	}
	return 1;
}

char LICENSE[] SEC("license") = "GPL";
