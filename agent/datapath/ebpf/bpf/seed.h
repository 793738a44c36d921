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

/* By the key's wider ones, in the order of flow.Key.Wider, but for those that nothing in the map has: wide has 1 << any of what there may be. Where what is
 * not there would be is another place in memory for each connection: to look there was an eighth of what it took to begin one. The key is as before in the
 * end. */
ALWAYS void *find_among(void *map, struct flow_key *key, __u32 wide)
{
	__be16 src = key->src_port, dst = key->dst_port;
	void *found = NULL;

	if (wide & 1 << (SRC_PORT | DST_PORT))
		found = find_without(map, key, SRC_PORT | DST_PORT, 0, 0);
	if (!found && wide & 1 << SRC_PORT)
		found = find_without(map, key, SRC_PORT, 0, dst);
	if (!found && wide & 1 << DST_PORT)
		found = find_without(map, key, DST_PORT, src, 0);
	key->any = 0;
	key->src_port = src;
	key->dst_port = dst;
	return found;
}

ALWAYS void *find_wider(void *map, struct flow_key *key)
{
	return find_among(map, key, ~0u);
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

/* insert of a copy of the flow which writes this port instead, where field says. One that the packets have already is not written. */
ALWAYS void insert_with(const struct flow *f, const struct flow_key *key, enum field field, __be16 port)
{
	__u32 zero = 0;
	struct flow *copy = bpf_map_lookup_elem(&bench, &zero);

	if (!copy)
		return;
	__builtin_memcpy(copy, f, sizeof(*copy));
	if (port == (field == FIELD_SRC_PORT ? key->src_port : key->dst_port)) {
		copy->actions.fields &= ~field;
		port = 0;
	}
	if (field == FIELD_SRC_PORT)
		copy->actions.src_port = port;
	else
		copy->actions.dst_port = port;
	insert(copy, key);
}

ALWAYS bool is_attended(void)
{
	__u32 zero = 0;
	__u64 *until = bpf_map_lookup_elem(&attended, &zero);

	return until && bpf_ktime_get_coarse_ns() < *until;
}

/* Whether the seed, which has ports, may have one for connections from the source port. */
ALWAYS bool may_give(struct seed *s, const struct source *to)
{
	return is_attended() && (s->given < s->ports || bpf_map_lookup_elem(&sources, to));
}

/* The port of connections from the source port, which has it from now on: 0 where there is none left. Of two that are given at once on two
 * CPUs one counts, and the other is nobody's. */
ALWAYS __u32 give(struct seed *s, const struct source *to)
{
	__u32 *given = bpf_map_lookup_elem(&sources, to), n, port;

	if (given)
		return *given;
	n = __sync_fetch_and_add(&s->given, 1);
	if (n >= s->ports || n >= MAX_SEED_PORTS)
		return 0;
	port = s->port[n];
	if (*(volatile __u64 *)&s->number != to->seed)
		return 0; /* of another seed */
	bpf_map_update_elem(&sources, to, &port, BPF_NOEXIST);
	given = bpf_map_lookup_elem(&sources, to);
	return given ? *given : 0;
}

/* Makes the flows of the packet's connection, and returns the number of the seed that it was done of; 0 where it was not, for want of a port or of
 * room for the word. The flow of answers is made first: they may come as soon as there is the other. Of a word that is given though a flow could not
 * be made, the agent makes it. */
SLOW __u64 begin_by(struct seed *s, const struct flow_key *key)
{
	struct source from = {.seed = *(volatile __u64 *)&s->number, .port = key->src_port};
	struct birth *b;
	__u32 port = 0;

	if ((s->ports && !may_give(s, &from)) || !may_take(key->in_port, sizeof(*b)))
		return 0;
	b = bpf_ringbuf_reserve(&misses, sizeof(*b), 0);
	if (!b)
		return 0;
	if (s->ports) {
		port = give(s, &from);
		if (!port) {
			bpf_ringbuf_discard(b, 0);
			return 0;
		}
	}
	b->number = from.seed;
	b->in_port = key->in_port;
	b->length = BIRTH;
	b->port = port;
	b->first = *key;
	b->answer = s->answer;
	b->answer.any = 0;
	if (s->answer.any & SRC_PORT)
		b->answer.src_port = key->dst_port;
	if (s->answer.any & DST_PORT)
		b->answer.dst_port = port ? port : key->src_port;
	if (b->answer.in_port && port)
		insert_with(&s->answers, &b->answer, FIELD_DST_PORT, key->src_port);
	else if (b->answer.in_port)
		insert(&s->answers, &b->answer);
	if (port)
		insert_with(&s->first, &b->first, FIELD_SRC_PORT, port);
	else
		insert(&s->first, &b->first);
	bpf_ringbuf_submit(b, wakes(false));
	count(COUNTER_BORN);
	return from.seed;
}

ALWAYS __u16 sum_of_origin(const struct origin *o)
{
	return fold(sum_of((const __be32 *)o, sizeof(*o) / 4));
}

/* Whether the packet can be followed by an origin: it is none that is to be cut up, and the way carries so much more. */
ALWAYS bool has_room(struct __sk_buff *skb, const struct actions *a, const struct headers *h)
{
	return !skb->gso_size && (!a->mtu || skb->len - h->l3 + sizeof(struct origin) <= a->mtu);
}

/* Puts the origin, whose sum is not there yet, behind the packet. */
ALWAYS int add_origin(struct __sk_buff *skb, struct origin *o)
{
	__u32 length = skb->len;

	o->sum = ~sum_of_origin(o);
	return bpf_skb_change_tail(skb, length + sizeof(*o), 0) || bpf_skb_store_bytes(skb, length, o, sizeof(*o), 0);
}

/* Takes the origin from behind the packet. */
ALWAYS int take_origin(struct __sk_buff *skb, struct origin *o)
{
	__u32 length = skb->len - sizeof(*o);

	if (skb->len < ETH_HLEN + sizeof(*o) || bpf_skb_load_bytes(skb, length, o, sizeof(*o)) || sum_of_origin(o) != 0xffff || !o->tells)
		return -1;
	return bpf_skb_change_tail(skb, length, 0);
}

/* Has the packet, which has begun a connection of the seed with the number and goes by the flow, tell the host that it goes to: the mark is what its
 * tunnel key is changed by. Where the seed has become another one meanwhile, or the flow is an older one, nobody but the agent tells. */
ALWAYS int tell(struct __sk_buff *skb, const struct seed *s, __u64 number, const struct flow_key *key, const struct flow *f, __u32 *mark)
{
	__u32 target = f->actions.outputs[0].target, tells = s->tells;
	struct origin o = {
		.tunnel_key = bpf_htonl(target), .src_port = key->src_port, .dst_port = key->dst_port, .tells = bpf_htons(tells),
	};

	if (s->answer.in_port || is_local(f->actions.kinds[0]) || f->actions.kinds[1])
		return 0;
	__builtin_memcpy(o.router, s->router, 16);
	__builtin_memcpy(o.src_ip, key->src_ip, 16);
	__builtin_memcpy(o.dst_ip, key->dst_ip, 16);
	if (*(volatile __u64 *)&s->number != number)
		return 0;
	*mark = tells ? target ^ ORIGIN_TUNNEL_KEY : OPENING;
	return tells ? add_origin(skb, &o) : 0;
}

ALWAYS void use(struct flow *f, struct __sk_buff *skb)
{
	__u64 now = bpf_ktime_get_coarse_ns();

	__sync_fetch_and_add(&f->packets, 1);
	__sync_fetch_and_add(&f->bytes, skb->len);
	if (f->last_used != now)
		f->last_used = now;
	count(COUNTER_HITS);
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

/* Fills the key, zero before, with that of what answers the packet to the interface. Not 0: nothing does that can be foreseen. */
SLOW int answer_to(struct __sk_buff *skb, __u32 ifindex, struct flow_key *key)
{
	struct headers h = {};

	if (!parse(skb, key, &h) || !has_wider(key))
		return -1;
	reverse(key, ifindex);
	return 0;
}

/* Tells the agent of a connection that another host has begun, which is answered by packets with the key, and makes the flow of these where there is a
 * seed. Its origin is told where there is one. */
ALWAYS bool tell_of_answers(const struct answer_key *k, struct answer_seed *s)
{
	struct birth *b = bpf_ringbuf_reserve(&misses, sizeof(*b), 0);

	if (!b)
		return false;
	*b = (struct birth){.length = BIRTH, .answer = k->key};
	if (s) {
		b->number = *(volatile __u64 *)&s->number;
		insert(&s->flow, &k->key);
	}
	bpf_ringbuf_submit(b, wakes(false));
	return true;
}

ALWAYS bool tell_of_translated(const struct answer_key *k, struct answer_seed *s, const struct origin *o)
{
	struct opened *b = bpf_ringbuf_reserve(&misses, sizeof(*b), 0);

	if (!b)
		return false;
	*b = (struct opened){.birth = {.length = BIRTH, .answer = k->key}, .origin = *o};
	if (s) {
		b->birth.number = *(volatile __u64 *)&s->number;
		insert_with(&s->flow, &k->key, FIELD_DST_PORT, o->src_port);
	}
	bpf_ringbuf_submit(b, wakes(false));
	return true;
}

SLOW int tell_of_opened(const struct answer_key *k, struct answer_seed *s, const struct origin *o)
{
	bool told = may_tell(OPENINGS_PER_STATE) && (o->tells ? tell_of_translated(k, s, o) : tell_of_answers(k, s));

	count(told ? COUNTER_STATES : COUNTER_STATES_LOST);
	return told;
}

/* A connection that another host has begun by this packet, to the interface: its answers are to pass. Of UDP none is sure to come, and where there is
 * a seed nothing is made before one does (answer), unless there has been one, which it may have been too early for. */
SLOW int open_answers(struct __sk_buff *skb, __u32 ifindex, const struct origin *o)
{
	struct answer_key k = {};
	struct answer_seed *s;

	if (answer_to(skb, ifindex, &k.key))
		return 0;
	__builtin_memcpy(k.behind, o->src_ip, 16);
	s = find_wider(&answers, &k.key);
	if (s && k.key.proto == IPPROTO_UDP && !bpf_map_lookup_elem(&flows, &k.key)) {
		struct awaited a = {.until = bpf_ktime_get_coarse_ns() + AWAITED_FOR, .origin = *o};

		bpf_map_update_elem(&awaits, &k.key, &a, BPF_ANY);
		return 0;
	}
	return tell_of_opened(&k, s, o);
}

/* Whose answer a packet with the key is, which has no flow; NULL where none like it is waited for. */
ALWAYS struct awaited *find_awaited(const struct flow_key *key)
{
	struct awaited *a = key->proto == IPPROTO_UDP ? bpf_map_lookup_elem(&awaits, key) : NULL;

	return a && bpf_ktime_get_coarse_ns() < a->until ? a : NULL;
}

/* An answer of UDP that was waited for has come, with the key. What was waited for may be forgotten and another at once, for another CPU; where it is
 * there to be removed it was itself until then. */
SLOW int answer(const struct flow_key *key, const struct awaited *a)
{
	struct answer_key k = {.key = *key};
	struct origin o = a->origin;

	__builtin_memcpy(k.behind, o.src_ip, 16);
	if (bpf_map_delete_elem(&awaits, key))
		return 0;
	return tell_of_opened(&k, find_wider(&answers, &k.key), &o);
}

/* A packet without a flow: where there is a seed its flow is made, and it goes by that. Else it is a miss, which may be lost. */
SLOW int begin(struct __sk_buff *skb, struct flow_key *key, const struct headers *h)
{
	struct seed *s = has_wider(key) && opens(skb, key, h) ? find_wider(&seeds, key) : NULL;
	__u32 mark = 0;
	struct flow *f;
	__u64 number;

	if (!s || refuses(skb, &s->first.actions, h) || (s->tells && !has_room(skb, &s->first.actions, h)))
		return hand_up(skb);
	number = begin_by(s, key);
	f = number ? bpf_map_lookup_elem(&flows, key) : NULL;
	if (!f || refuses(skb, &f->actions, h))
		return hand_up(skb);
	use(f, skb);
	if (tell(skb, s, number, key, f, &mark)) {
		count(COUNTER_ERRORS);
		return TC_ACT_SHOT;
	}
	return act(skb, &f->actions, h, true, mark);
}
