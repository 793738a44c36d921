// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
/*
 * The flow cache: three programs on three kinds of interface.
 *
 *   from_port    ingress of each plugged interface: look the packet up, do its actions, make its flow of a seed, or hand it to the agent
 *   from_tunnel  ingress of the VXLAN device: the tunnel key names the interface, or the agent; nothing else is looked at, but of
 *                connections' first packets
 *   from_agent   egress of the inject device: packets of the agent, each with its own actions
 *
 * No program ever passes a packet to this host's own network stack.
 */
#include "seed.h"

/* By the key, then by those of its wider ones that flows have. */
ALWAYS struct flow *find(struct flow_key *key)
{
	struct flow *f = bpf_map_lookup_elem(&flows, key);
	struct config *s;

	if (f || !has_wider(key))
		return f;
	s = get_settings();
	return s ? find_among(&flows, key, s->wide) : NULL;
}

SEC("tcx/ingress")
int from_port(struct __sk_buff *skb)
{
	struct flow_key key = {.in_port = skb->ifindex};
	struct headers h = {};
	struct awaited *a;
	struct flow *f;

	if (!parse(skb, &key, &h))
		return hand_up(skb);
	f = find(&key);
	if (!f) {
		a = find_awaited(&key);
		if (!a)
			return begin(skb, &key, &h);
		answer(&key, a);
		f = bpf_map_lookup_elem(&flows, &key);
		if (!f)
			return hand_up(skb);
	}
	if (refuses(skb, &f->actions, &h))
		return hand_up(skb);
	use(f, skb);
	return act(skb, &f->actions, &h, true, 0);
}

ALWAYS int deliver(const struct delivery *d)
{
	if (d->kind == OUTPUT_LOCAL_PEER)
		return bpf_redirect_peer(d->ifindex, 0);
	return bpf_redirect(d->ifindex, 0);
}

/* A connection's first packet with its origin behind it. */
SLOW int deliver_first(struct __sk_buff *skb)
{
	struct origin o;
	struct delivery *d;
	__u32 key;

	if (take_origin(skb, &o)) {
		count(COUNTER_ERRORS);
		return TC_ACT_SHOT;
	}
	key = bpf_ntohl(o.tunnel_key);
	d = bpf_map_lookup_elem(&tunnels, &key);
	if (!d) {
		count(COUNTER_TUNNEL_UNKNOWN);
		return TC_ACT_SHOT;
	}
	open_answers(skb, d->ifindex, &o);
	return deliver(d);
}

SEC("tcx/ingress")
int from_tunnel(struct __sk_buff *skb)
{
	struct bpf_tunnel_key tunnel;
	struct delivery *d;
	__u32 key;

	if (bpf_skb_get_tunnel_key(skb, &tunnel, sizeof(tunnel), 0) &&
	    bpf_skb_get_tunnel_key(skb, &tunnel, sizeof(tunnel), BPF_F_TUNINFO_IPV6))
		return TC_ACT_SHOT;
	key = tunnel.tunnel_id;
	if (key >= ORIGIN_TUNNEL_KEY)
		return key == STATE_TUNNEL_KEY ? hand_up_state(skb) : deliver_first(skb);
	key &= ~OPENING;
	d = bpf_map_lookup_elem(&tunnels, &key);
	if (!d) {
		count(COUNTER_TUNNEL_UNKNOWN);
		return TC_ACT_SHOT;
	}
	if (tunnel.tunnel_id & OPENING) {
		struct origin none = {};

		open_answers(skb, d->ifindex, &none);
	}
	return deliver(d);
}

ALWAYS int execute(struct __sk_buff *skb, const struct actions *a)
{
	struct flow_key unused = {};
	struct headers h = {};

	if ((a->fields || a->mtu) && (!parse(skb, &unused, &h) || refuses(skb, a, &h))) {
		count(COUNTER_ERRORS);
		return TC_ACT_SHOT;
	}
	return act(skb, a, &h, false, 0);
}

/* The mark is 1 more than the packet's slot in exec; packets without one are the kernel's own, which have no business here. A
 * packet that goes nowhere is reported as sent (TC_ACT_STOLEN): it is counted already, and the agent's socket need not fail. */
SEC("tcx/egress")
int from_agent(struct __sk_buff *skb)
{
	__u32 slot = skb->mark - 1;
	struct actions *a = bpf_map_lookup_elem(&exec, &slot);
	int verdict;

	if (!a)
		return TC_ACT_STOLEN;
	skb->mark = 0; /* or the underlay's routing would see it */
	verdict = execute(skb, a);
	return verdict == TC_ACT_SHOT ? TC_ACT_STOLEN : verdict;
}

/* The kernel lends the functions used here only to programs under a licence of its kind; this file is under either of two. */
char LICENSE[] SEC("license") = "Dual BSD/GPL";
