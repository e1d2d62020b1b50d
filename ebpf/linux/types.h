/* SPDX-License-Identifier: GPL-2.0 */
/* The integer types of <linux/bpf.h>, so that no header of the building machine takes part. */
#pragma once

typedef signed char __s8;
typedef unsigned char __u8;
typedef short __s16;
typedef unsigned short __u16;
typedef int __s32;
typedef unsigned int __u32;
typedef long long __s64;
typedef unsigned long long __u64;

typedef __u16 __be16;
typedef __u32 __be32;
typedef __u32 __wsum;

#define __aligned_u64 __u64 __attribute__((aligned(8)))
