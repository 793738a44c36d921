/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/*
 * Connections that are begun here: both flows are made of a seed (flow.Seed), and the agent is told of them through the ring.
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

/* Makes the flows, that of answers first: they may come as soon as there is the other. A flow that is there already stays; the agent
 * knows it. */
ALWAYS int insert(struct seed *s, const struct birth *b)
{
	__u64 now = bpf_ktime_get_coarse_ns();
	int err;

	s->first.last_used = now; /* on its way into the copies */
	s->answers.last_used = now;
	err = bpf_map_update_elem(&flows, &b->answer, &s->answers, BPF_NOEXIST);
	if (err && err != -EEXIST)
		return err;
	err = bpf_map_update_elem(&flows, &b->first, &s->first, BPF_NOEXIST);
	return err == -EEXIST ? 0 : err;
}

/* Of a word that is given though the flow could not be made, the agent makes it. */
SLOW int begin_by(struct seed *s, const struct flow_key *key)
{
	struct birth *b;

	if (!may_take(key->in_port, sizeof(*b)))
		return false;
	b = bpf_ringbuf_reserve(&misses, sizeof(*b), 0);
	if (!b)
		return false;
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
	insert(s, b);
	bpf_ringbuf_submit(b, 0);
	count(COUNTER_BORN);
	return true;
}

/* Whether the packet's flow has been made. Where it has not, for want of a seed or of room in the ring, it is a miss, which may be lost. */
SLOW int begin(struct __sk_buff *skb, struct flow_key *key, const struct headers *h)
{
	struct seed *s;

	if (!opens(skb, key, h))
		return false;
	s = find_wider(&seeds, key);
	if (!s || refuses(skb, &s->first.actions, h))
		return false;
	return begin_by(s, key);
}
