/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/*
 * FIELD_FAMILY: IPv4 becomes IPv6, and back (RFC 7915). The network header is exchanged for one of the other size; the transport
 * header and what follows stay, but for its checksum and the type of an ICMP echo.
 */
#pragma once

#include "rewrite.h"

/* Up to this size what was IPv6 becomes an IPv4 packet that may be cut (RFC 7915 section 5.1). */
#define MIN_IPV6_TRANSLATED 1260

#define ECHO_REQUEST 8
#define ECHO_REQUEST6 128
#define ECHO_REPLY6 129

/* True where the network header is all that is to be exchanged: packet.Packet.Plain. */
SLOW int translatable(struct __sk_buff *skb, const struct headers *h)
{
	__u32 size = h->family == 4 ? sizeof(struct iphdr) : sizeof(struct ipv6hdr);
	__be16 checksum = 0;

	if (h->l3 != ETH_HLEN || skb->vlan_present || h->l4 - h->l3 != size || h->fragment != UNFRAGMENTED)
		return 0;
	if (h->family == 6 || h->proto != IPPROTO_UDP)
		return 1;
	return bpf_skb_load_bytes(skb, h->l4 + offsetof(struct udphdr, check), &checksum, sizeof(checksum)) == 0 && checksum;
}

ALWAYS __u64 sum_of(const __be32 *words, int count)
{
	__u64 sum = 0;

	for (int i = 0; i < count; i++)
		sum += words[i];
	return sum;
}

/* The sum without the words. */
ALWAYS __u64 sum_without(const __be32 *words, int count)
{
	__u64 sum = 0;

	for (int i = 0; i < count; i++)
		sum += (__u32)~words[i];
	return sum;
}

/* What ICMPv6 sums of its own length and protocol, as ICMP does not (RFC 4443 section 2.3). */
ALWAYS __u64 icmpv6_sum(__u16 length)
{
	return (__u64)bpf_htonl(length) + bpf_htonl(IPPROTO_ICMPV6);
}

/* Each of these two writes the new network header, and returns what a pseudo-header loses and gains by it. */

ALWAYS int become_ipv4(struct __sk_buff *skb, const struct actions *a, const struct headers *h, __u64 *pseudo, struct changes *c)
{
	struct ipv6hdr old;
	struct iphdr new = {.version = 4, .ihl = 5};
	__u32 length;

	if (bpf_skb_load_bytes(skb, ETH_HLEN, &old, sizeof(old)))
		return -1;
	length = sizeof(new) + bpf_ntohs(old.payload_len);
	if (length > 0xffff)
		return -1;
	new.tos = a->fields & FIELD_TOS ? a->tos : (__u8)(old.priority << 4 | old.flow_lbl[0] >> 4);
	new.tot_len = bpf_htons(length);
	new.ttl = old.hop_limit - (a->fields & FIELD_TTL ? a->hops : 0);
	new.protocol = old.nexthdr;
	new.saddr = *(const __be32 *)a->src_ip;
	new.daddr = *(const __be32 *)a->dst_ip;
	if (skb->gso_size)
		length = segment_length(skb, h) - (sizeof(old) - sizeof(new));
	if (length > MIN_IPV6_TRANSLATED)
		new.frag_off = bpf_htons(0x4000);
	else
		new.id = bpf_get_prandom_u32() | bpf_htons(1);
	*pseudo = sum_without((const __be32 *)&old.saddr, 8);
	if (old.nexthdr == IPPROTO_ICMPV6) {
		new.protocol = IPPROTO_ICMP;
		*pseudo += (__u16)~fold(icmpv6_sum(bpf_ntohs(old.payload_len)));
	} else {
		*pseudo += (__u64)new.saddr + new.daddr;
	}
	new.check = ~fold(sum_of((const __be32 *)&new, 5));
	/* The kernel tells a sum over the whole packet of the first half of the old header; a whole new one adds nothing. */
	c->uncovered = sum_without((const __be32 *)&old + 5, 5);
	return bpf_skb_change_proto(skb, bpf_htons(ETH_P_IP), 0) || bpf_skb_store_bytes(skb, ETH_HLEN, &new, sizeof(new), 0);
}

ALWAYS int become_ipv6(struct __sk_buff *skb, const struct actions *a, __u64 *pseudo, struct changes *c)
{
	struct iphdr old;
	struct ipv6hdr new = {.version = 6};
	__u16 length;
	__u8 tos;

	if (bpf_skb_load_bytes(skb, ETH_HLEN, &old, sizeof(old)))
		return -1;
	length = bpf_ntohs(old.tot_len) - sizeof(old);
	tos = a->fields & FIELD_TOS ? a->tos : old.tos;
	new.priority = tos >> 4;
	new.flow_lbl[0] = tos << 4;
	new.payload_len = bpf_htons(length);
	new.nexthdr = old.protocol;
	new.hop_limit = old.ttl - (a->fields & FIELD_TTL ? a->hops : 0);
	__builtin_memcpy(&new.saddr, a->src_ip, 16);
	__builtin_memcpy(&new.daddr, a->dst_ip, 16);
	*pseudo = sum_of((const __be32 *)&new.saddr, 8);
	if (old.protocol == IPPROTO_ICMP) {
		new.nexthdr = IPPROTO_ICMPV6;
		*pseudo += icmpv6_sum(length);
	} else {
		*pseudo += change(old.saddr, 0) + change(old.daddr, 0);
	}
	c->uncovered = sum_of((const __be32 *)&new, 10); /* the old header added nothing */
	return bpf_skb_change_proto(skb, bpf_htons(ETH_P_IPV6), 0) || bpf_skb_store_bytes(skb, ETH_HLEN, &new, sizeof(new), 0);
}

/* Writes the type that an echo has in the other family. */
ALWAYS int translate_echo(struct __sk_buff *skb, const struct headers *is, __u64 *own)
{
	void *data = (void *)(long)skb->data, *end = (void *)(long)skb->data_end;
	__be16 *message = data + (is->l4 & 0x7fff);
	__u8 type;

	if ((void *)(message + 4) > end)
		return -1;
	type = *(__u8 *)message;
	if (is->family == 4)
		type = type == ECHO_REQUEST6 ? ECHO_REQUEST : 0;
	else
		type = type == ECHO_REQUEST ? ECHO_REQUEST6 : ECHO_REPLY6;
	*own = write_half(message, bpf_htons(type << 8));
	return 0;
}

/* Writes a->fields of a packet that becomes one of the other family; not 0 means that the packet is spoilt. */
SLOW int translate(struct __sk_buff *skb, const struct actions *a, const struct headers *h)
{
	bool to_ipv4 = h->family == 6;
	struct headers is = {.l3 = ETH_HLEN, .family = to_ipv4 ? 4 : 6, .proto = h->proto, .echo = h->echo};
	__be16 ether_type = to_ipv4 ? bpf_htons(ETH_P_IP) : bpf_htons(ETH_P_IPV6);
	__u8 summed = ip_summed(skb);
	struct changes c = {};
	__u64 pseudo = 0, own = 0;

	is.l4 = ETH_HLEN + (to_ipv4 ? sizeof(struct iphdr) : sizeof(struct ipv6hdr));
	if (h->echo)
		is.proto = to_ipv4 ? IPPROTO_ICMP : IPPROTO_ICMPV6;
	if (!translatable(skb, h))
		return -1;
	if (to_ipv4 ? become_ipv4(skb, a, h, &pseudo, &c) : become_ipv6(skb, a, &pseudo, &c))
		return -1;
	if (bpf_skb_store_bytes(skb, offsetof(struct ethhdr, h_proto), &ether_type, sizeof(ether_type), 0) || !gather(skb, &is) ||
	    rewrite_macs(skb, a))
		return -1;
	if (h->echo && translate_echo(skb, &is, &own))
		return -1;
	if (rewrite_transport(skb, a, &is, &c, summed, pseudo, own))
		return -1;
	if (summed == CHECKSUM_COMPLETE)
		bpf_csum_update(skb, fold(c.uncovered));
	return 0;
}

/* A packet that the actions cannot be done to: the agent has to look at it. */
ALWAYS bool refuses(struct __sk_buff *skb, const struct actions *a, const struct headers *h)
{
	return expires(a, h) || exceeds(skb, a, h) || (a->fields & FIELD_FAMILY && !translatable(skb, h));
}
