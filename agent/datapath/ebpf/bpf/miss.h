/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* Packets without a flow go to the agent through a ring buffer, whole. */
#pragma once

#include "act.h"
#include <bpf/bpf_core_read.h>

#define CHECKSUM_PARTIAL 3 /* include/linux/skbuff.h */

/* The fields of the kernel's own structure that struct __sk_buff does not show; the loader finds their places. */
struct sk_buff {
	unsigned char *head;
	unsigned char *data;
	__u16 csum_start;
	__u16 csum_offset;
	__u8 ip_summed : 2;
} __attribute__((preserve_access_index));

extern void *bpf_cast_to_kern_ctx(void *) __ksym;

/* One port may not fill the ring before the others: a bucket per port, as the generic cell rate algorithm (ITU-T I.371). Two
 * CPUs may let one packet more through between them, which does not matter. */
ALWAYS bool within_rate(struct port *p, const struct config *s)
{
	__u64 now = bpf_ktime_get_ns();
	__u64 due = p->miss_due > now ? p->miss_due : now;

	if (due - now > s->miss_burst)
		return false;
	p->miss_due = due + s->miss_interval;
	return true;
}

/* What the frame's octets do not say: what the sender left to hardware, and a tag kept beside the frame. */
ALWAYS void describe(struct __sk_buff *skb, struct miss *m)
{
	struct sk_buff *kernel = bpf_cast_to_kern_ctx(skb);

	m->in_port = skb->ifindex;
	m->length = skb->len;
	m->segment_size = skb->gso_size;
	m->vlan_tci = skb->vlan_tci;
	m->vlan_proto = skb->vlan_present ? (__be16)skb->vlan_proto : 0;
	m->checksum_partial = BPF_CORE_READ_BITFIELD(kernel, ip_summed) == CHECKSUM_PARTIAL;
	m->checksum_start = kernel->csum_start - (kernel->data - kernel->head);
	m->checksum_offset = kernel->csum_offset;
}

/* Reserves room (a constant power of two) for the frame, which is no longer, and copies it. */
ALWAYS bool post(struct __sk_buff *skb, const __u32 room)
{
	struct miss *m = bpf_ringbuf_reserve(&misses, sizeof(*m) + room, 0);
	__u32 length = skb->len;

	if (!m)
		return false;
	describe(skb, m);
	asm volatile("" : "+r"(length)); /* or clang drops the bound that the verifier asks for */
	length = ((length - 1) & (room - 1)) + 1;
	if (bpf_skb_load_bytes(skb, 0, m->frame, length))
		m->length = 0; /* the agent steps over it */
	length = m->length;
	bpf_ringbuf_submit(m, 0);
	return length > 0;
}

/* Three sizes keep a small packet from taking the place of a large one in the ring. */
ALWAYS bool post_sized(struct __sk_buff *skb)
{
	if (skb->len <= 128)
		return post(skb, 128);
	if (skb->len <= 2048)
		return post(skb, 2048);
	if (skb->len <= 65536)
		return post(skb, 65536);
	return false;
}

SLOW int hand_up(struct __sk_buff *skb)
{
	__u32 ifindex = skb->ifindex;
	struct port *p = bpf_map_lookup_elem(&ports, &ifindex);
	struct config *s = get_settings();

	if (p && s && within_rate(p, s) && post_sized(skb))
		count(COUNTER_MISSES);
	else
		count(COUNTER_MISSES_LOST);
	return TC_ACT_SHOT;
}
