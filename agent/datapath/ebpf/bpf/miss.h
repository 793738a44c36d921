/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/*
 * Packets without a flow, and what other hosts tell of connections, go to the agent through a ring buffer, whole.
 *
 * Each port has a rate of its own. The sum of all rates is more than an agent can serve, so the ring is shared out besides: it is
 * counted in turns, each of half a ring of octets, and while more than half of it waits, a port that has had its part of the turn
 * gives way. The part is that of one more port than there were in the turn before, so that there is room for who comes new.
 *
 * The agent is woken when something is posted that it has not seen coming: to wake a process takes about as long as to send a packet. Word of a
 * connection that has begun waits, where the agent has said that it looks by itself soon (as network cards put their interrupts off). A packet
 * does not; it wakes the agent for all.
 */
#pragma once

#include "act.h"

/* The generic cell rate algorithm (ITU-T I.371). Two CPUs may let one packet more through between them, which does not matter. */
ALWAYS bool within_rate(struct gate *g, __u64 interval, __u64 burst)
{
	__u64 now = bpf_ktime_get_ns();
	__u64 due = g->due > now ? g->due : now;

	if (due - now > burst)
		return false;
	g->due = due + interval;
	return true;
}

/* Starts the gate's turn where it is a new one, and returns how many ports had the turn before. */
ALWAYS __u32 take_turn(struct gate *g, struct sharing *s, __u64 turn)
{
	if (s->turn != turn) {
		s->ports_before = s->ports;
		s->turn = turn;
		s->ports = 0;
	}
	if (g->turn != turn) {
		g->turn = turn;
		g->taken = 0;
	}
	if (!g->taken)
		s->ports++;
	return s->ports_before;
}

ALWAYS bool within_share(struct gate *g, __u32 room)
{
	__u64 half = bpf_ringbuf_query(&misses, BPF_RB_RING_SIZE) / 2;
	__u32 zero = 0;
	struct sharing *s = bpf_map_lookup_elem(&sharing, &zero);
	__u32 others;

	if (!s || !half)
		return false;
	others = take_turn(g, s, bpf_ringbuf_query(&misses, BPF_RB_PROD_POS) / half);
	if (bpf_ringbuf_query(&misses, BPF_RB_AVAIL_DATA) > half && g->taken > half / (others + 1))
		return false;
	g->taken += room;
	return true;
}

/* How the agent hears of what stands in the ring, where this has room by now: flags of bpf_ringbuf_submit. 0 wakes it if it has read all that was
 * there before. */
ALWAYS __u64 wakes(bool at_once)
{
	__u32 zero = 0;
	__u64 *look = bpf_map_lookup_elem(&looks, &zero);

	if (!look || bpf_ktime_get_ns() >= *look)
		return 0;
	if (!at_once)
		return BPF_RB_NO_WAKEUP;
	*look = 0; /* it is awake then, and reads all */
	return BPF_RB_FORCE_WAKEUP;
}

/* What the frame's octets do not say: what the sender left to hardware, and a tag kept beside the frame. */
ALWAYS void describe(struct __sk_buff *skb, struct miss *m, __u32 in_port)
{
	m->in_port = in_port;
	m->length = skb->len;
	m->segment_size = skb->gso_size;
	m->vlan_tci = skb->vlan_tci;
	m->vlan_proto = skb->vlan_present ? (__be16)skb->vlan_proto : 0;
	m->checksum_partial = ip_summed(skb) == CHECKSUM_PARTIAL;
	m->checksum_start = checksum_start(skb);
	m->checksum_offset = checksum_offset(skb);
}

/* Reserves room (a constant power of two) for the frame, which is no longer, and copies it. */
ALWAYS bool post(struct __sk_buff *skb, __u32 in_port, const __u32 room)
{
	struct miss *m = bpf_ringbuf_reserve(&misses, sizeof(*m) + room, 0);
	__u32 length = skb->len;

	if (!m)
		return false;
	describe(skb, m, in_port);
	asm volatile("" : "+r"(length)); /* or clang drops the bound that the verifier asks for */
	length = ((length - 1) & (room - 1)) + 1;
	if (bpf_skb_load_bytes(skb, 0, m->frame, length))
		m->length = 0; /* the agent steps over it */
	length = m->length;
	bpf_ringbuf_submit(m, wakes(true));
	return length > 0;
}

/* Three sizes keep a small packet from taking the place of a large one in the ring. */
ALWAYS __u32 room_for(struct __sk_buff *skb)
{
	if (skb->len <= 128)
		return 128;
	return skb->len <= 2048 ? 2048 : 65536;
}

SLOW int post_sized(struct __sk_buff *skb, __u32 in_port)
{
	if (skb->len <= 128)
		return post(skb, in_port, 128);
	if (skb->len <= 2048)
		return post(skb, in_port, 2048);
	if (skb->len <= 65536)
		return post(skb, in_port, 65536);
	return false;
}

/* Whether the port may take so much room in the ring. */
ALWAYS bool may_take(__u32 ifindex, __u32 room)
{
	struct port *p = bpf_map_lookup_elem(&ports, &ifindex);
	struct config *s = get_settings();

	return p && s && within_rate(&p->misses, s->miss_interval, s->miss_burst) && within_share(&p->misses, room);
}

SLOW int hand_up(struct __sk_buff *skb)
{
	__u32 ifindex = skb->ifindex;

	if (may_take(ifindex, room_for(skb)) && post_sized(skb, ifindex))
		count(COUNTER_MISSES);
	else
		count(COUNTER_MISSES_LOST);
	return TC_ACT_SHOT;
}

/* Whether there is room for one more message of other hosts, or a part of one, whatever waits of ports: a connection may depend on it. */
ALWAYS bool may_tell(__u32 part)
{
	__u32 zero = 0;
	struct gate *g = bpf_map_lookup_elem(&states, &zero);
	struct config *s = get_settings();

	return g && s && within_rate(g, s->state_interval / part, s->state_burst);
}

SLOW int hand_up_state(struct __sk_buff *skb)
{
	if (may_tell(1) && post_sized(skb, 0))
		count(COUNTER_STATES);
	else
		count(COUNTER_STATES_LOST);
	return TC_ACT_SHOT;
}
