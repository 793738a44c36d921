/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* flow.Actions: rewrite, then send to every output. */
#pragma once

#include "family.h"
#include <linux/pkt_cls.h>

/* Puts on the packet where the tunnel device is to send it. The mark is what sets its tunnel key apart from the output's. */
ALWAYS int set_tunnel(struct __sk_buff *skb, const struct config *s, const struct output *out, __u8 kind, __u32 mark)
{
	struct bpf_tunnel_key key = {.tunnel_id = out->target ^ mark, .tunnel_ttl = 64};

	if (kind == OUTPUT_TUNNEL_IPV6) {
		__builtin_memcpy(key.remote_ipv6, out->peer, 16);
		__builtin_memcpy(key.local_ipv6, s->source_ipv6, 16);
		return bpf_skb_set_tunnel_key(skb, &key, sizeof(key), BPF_F_TUNINFO_IPV6);
	}
	__builtin_memcpy(&key.remote_ipv4, out->peer, 4);
	key.remote_ipv4 = bpf_ntohl(key.remote_ipv4);
	key.local_ipv4 = s->source_ipv4;
	return bpf_skb_set_tunnel_key(skb, &key, sizeof(key), BPF_F_ZERO_CSUM_TX);
}

ALWAYS bool is_local(__u8 kind)
{
	return kind == OUTPUT_LOCAL || kind == OUTPUT_LOCAL_PEER;
}

/* Returns the interface that the output is behind, 0 where there is none. */
ALWAYS __u32 prepare(struct __sk_buff *skb, const struct output *out, __u8 kind, __u32 mark)
{
	const struct config *s;

	if (is_local(kind))
		return out->target;
	s = get_settings();
	if (!s || set_tunnel(skb, s, out, kind, mark))
		return 0;
	return s->tunnel_ifindex;
}

/* Sends clones to all outputs but the first. */
SLOW int send_copies(struct __sk_buff *skb, const struct actions *a)
{
	for (int i = 1; i < MAX_OUTPUTS; i++) {
		__u32 ifindex;

		if (!a->kinds[i])
			break;
		ifindex = prepare(skb, &a->outputs[i], a->kinds[i], 0);
		if (!ifindex || bpf_clone_redirect(skb, ifindex, 0))
			count(COUNTER_ERRORS);
	}
	return 0;
}

/* ingress: the program runs on the ingress side of an interface, where handing a packet to a veth's other end is allowed. The mark is of
 * the first output. */
ALWAYS int act(struct __sk_buff *skb, const struct actions *a, const struct headers *h, bool ingress, __u32 mark)
{
	__u32 ifindex;

	if (!a->kinds[0])
		return TC_ACT_SHOT;
	if (a->fields && (a->fields & FIELD_FAMILY ? translate(skb, a, h) : rewrite(skb, a, h)))
		goto error;
	if (a->kinds[1])
		send_copies(skb, a);
	ifindex = prepare(skb, &a->outputs[0], a->kinds[0], mark);
	if (!ifindex)
		goto error;
	if (ingress && a->kinds[0] == OUTPUT_LOCAL_PEER)
		return bpf_redirect_peer(ifindex, 0);
	return bpf_redirect(ifindex, 0);
error:
	count(COUNTER_ERRORS);
	return TC_ACT_SHOT;
}
