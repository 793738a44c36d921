/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/*
 * Connections that are begun here: their flows are made of a seed (flow.Seed), and the agent is told of them through the ring.
 *
 * The word is reserved before anything is made, so that nothing is made of which the agent will not hear, and given afterwards, so that
 * what it removes then has been there.
 *
 * A seed that is removed may become another one at once, while a program still copies from it. The agent is told of the number that stood
 * there before: it knows then which seed was meant, and makes the flows anew where that is none that it has. The number is the last that is
 * written of a seed, so that where it is read the rest stands.
 */
#pragma once

#include "miss.h"
#include <linux/errno.h>

#define TCP_FLAGS 13 /* where they are in its header */
#define TCP_SYN 0x02
#define TCP_ACK 0x10

ALWAYS bool is_dhcp(__be16 port)
{
	return port == bpf_htons(67) || port == bpf_htons(68) || port == bpf_htons(546) || port == bpf_htons(547);
}

/* Whether flow.Key.Wider has any. */
ALWAYS bool has_wider(const struct flow_key *key)
{
	if (key->fragment != UNFRAGMENTED)
		return false;
	return key->proto == IPPROTO_TCP || (key->proto == IPPROTO_UDP && !is_dhcp(key->dst_port) && !is_dhcp(key->src_port));
}

ALWAYS void *find_without(void *map, struct flow_key *key, __u8 any, __be16 src_port, __be16 dst_port)
{
	key->any = any;
	key->src_port = src_port;
	key->dst_port = dst_port;
	return bpf_map_lookup_elem(map, key);
}

/* By the key's wider ones, in the order of flow.Key.Wider. The key is as before in the end. */
ALWAYS void *find_wider(void *map, struct flow_key *key)
{
	__be16 src = key->src_port, dst = key->dst_port;
	void *found = find_without(map, key, SRC_PORT | DST_PORT, 0, 0);

	if (!found)
		found = find_without(map, key, SRC_PORT, 0, dst);
	if (!found)
		found = find_without(map, key, DST_PORT, src, 0);
	key->any = 0;
	key->src_port = src;
	key->dst_port = dst;
	return found;
}

/* flow.Opens, of a key that has wider ones. */
ALWAYS bool opens(struct __sk_buff *skb, const struct flow_key *key, const struct headers *h)
{
	__u8 flags;

	if (key->proto == IPPROTO_UDP)
		return true;
	return !bpf_skb_load_bytes(skb, h->l4 + TCP_FLAGS, &flags, sizeof(flags)) && (flags & (TCP_SYN | TCP_ACK)) == TCP_SYN;
}

/* A flow that is there already stays; the agent knows it. */
ALWAYS void insert(struct flow *f, const struct flow_key *key)
{
	f->last_used = bpf_ktime_get_coarse_ns(); /* on its way into the copy */
	bpf_map_update_elem(&flows, key, f, BPF_NOEXIST);
}

/* What has become of a packet without a flow. */
enum begun { NOT_BEGUN, BEGUN_HERE, BEGUN_AWAY };

/* The flow of answers is made first: they may come as soon as there is the other. Of a word that is given though a flow could not be made,
 * the agent makes it. */
SLOW int begin_by(struct seed *s, const struct flow_key *key)
{
	struct birth *b;
	int begun = BEGUN_AWAY;

	if (!may_take(key->in_port, sizeof(*b)))
		return NOT_BEGUN;
	b = bpf_ringbuf_reserve(&misses, sizeof(*b), 0);
	if (!b)
		return NOT_BEGUN;
	b->number = *(volatile __u64 *)&s->number;
	b->in_port = key->in_port;
	b->length = BIRTH;
	b->first = *key;
	b->answer = s->answer;
	b->answer.any = 0;
	if (s->answer.any & SRC_PORT)
		b->answer.src_port = key->dst_port;
	if (s->answer.any & DST_PORT)
		b->answer.dst_port = key->src_port;
	if (b->answer.in_port) {
		begun = BEGUN_HERE;
		insert(&s->answers, &b->answer);
	}
	insert(&s->first, &b->first);
	bpf_ringbuf_submit(b, 0);
	count(COUNTER_BORN);
	return begun;
}

/* Makes the packet's flow. Where it is not made, for want of a seed or of room in the ring, the packet is a miss, which may be lost. */
SLOW int begin(struct __sk_buff *skb, struct flow_key *key, const struct headers *h)
{
	struct seed *s;

	if (!opens(skb, key, h))
		return NOT_BEGUN;
	s = find_wider(&seeds, key);
	if (!s || refuses(skb, &s->first.actions, h))
		return NOT_BEGUN;
	return begin_by(s, key);
}

/* Makes the key that of what answers, if it enters by the interface: flow.Key.Reversed. */
ALWAYS void reverse(struct flow_key *key, __u32 in_port)
{
	struct flow_key was = *key;

	key->in_port = in_port;
	__builtin_memcpy(key->src_mac, was.dst_mac, 6);
	__builtin_memcpy(key->dst_mac, was.src_mac, 6);
	__builtin_memcpy(key->src_ip, was.dst_ip, 16);
	__builtin_memcpy(key->dst_ip, was.src_ip, 16);
	key->src_port = was.dst_port;
	key->dst_port = was.src_port;
}

/* Of UDP an answer is not sure to come, and its flow is left to it. */
ALWAYS bool tell_of_answer(struct flow_key *key)
{
	struct answer_seed *s = key->proto == IPPROTO_TCP ? find_wider(&answers, key) : NULL;
	struct birth *b = bpf_ringbuf_reserve(&misses, sizeof(*b), 0);

	if (!b)
		return false;
	*b = (struct birth){.length = BIRTH, .answer = *key};
	if (s) {
		b->number = *(volatile __u64 *)&s->number;
		insert(&s->flow, key);
	}
	bpf_ringbuf_submit(b, 0);
	return true;
}

/* A connection that another host has begun by this packet, to the interface: its answers are to pass. */
SLOW int open_answers(struct __sk_buff *skb, __u32 ifindex)
{
	struct flow_key key = {};
	struct headers h = {};

	if (!parse(skb, &key, &h) || !has_wider(&key))
		return 0;
	reverse(&key, ifindex);
	count(may_tell(OPENINGS_PER_STATE) && tell_of_answer(&key) ? COUNTER_STATES : COUNTER_STATES_LOST);
	return 0;
}
