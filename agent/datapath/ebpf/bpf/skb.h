/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* What struct __sk_buff does not show of a packet: what was left to hardware, and what hardware has done. */
#pragma once

#include "maps.h"
#include <bpf/bpf_core_read.h>

/* States of ip_summed: include/linux/skbuff.h. */
#define CHECKSUM_COMPLETE 2 /* hardware summed the whole packet, and changes have to be told */
#define CHECKSUM_PARTIAL 3  /* a checksum holds its pseudo-header's sum, and the rest is left to hardware */

/* The fields of the kernel's own structure; the loader finds their places. */
struct sk_buff {
	unsigned char *head;
	unsigned char *data;
	__u16 csum_start;
	__u16 csum_offset;
	__u8 ip_summed : 2;
} __attribute__((preserve_access_index));

extern void *bpf_cast_to_kern_ctx(void *) __ksym;

ALWAYS __u8 ip_summed(struct __sk_buff *skb)
{
	struct sk_buff *kernel = bpf_cast_to_kern_ctx(skb);

	return BPF_CORE_READ_BITFIELD(kernel, ip_summed);
}

/* Where what is left to hardware starts, from the start of the frame; of CHECKSUM_PARTIAL. */
ALWAYS __u32 checksum_start(struct __sk_buff *skb)
{
	struct sk_buff *kernel = bpf_cast_to_kern_ctx(skb);

	return (__u16)(kernel->csum_start - (kernel->data - kernel->head));
}

ALWAYS __u16 checksum_offset(struct __sk_buff *skb)
{
	struct sk_buff *kernel = bpf_cast_to_kern_ctx(skb);

	return kernel->csum_offset;
}
