/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/*
 * flow.Rewrite, in one pass over headers that are written in place: what a packet costs does not depend on how much is changed.
 *
 * Checksums follow what changed (RFC 1624) and are never computed anew, so that they are right whether the sender completed them
 * or left them to hardware. Changes add up as ones'-complement sums of numbers as they stand in memory, which is how the sums
 * stand there too (RFC 1071 section 2).
 *
 * The addresses of SCTP can be changed, its ports cannot: its CRC covers them and the whole packet, but no pseudo-header.
 */
#pragma once

#include "parse.h"
#include <linux/tcp.h>
#include <linux/udp.h>

#define FIELDS_MAC (FIELD_SRC_MAC | FIELD_DST_MAC)
#define FIELDS_IP (FIELD_SRC_IP | FIELD_DST_IP | FIELD_TOS | FIELD_TTL)
#define FIELDS_PORT (FIELD_SRC_PORT | FIELD_DST_PORT)

/* More than what is changed of any transport header. */
#define TRANSPORT_HEADER 20

/* What changed, as sums. */
struct changes {
	__u64 addresses; /* which a pseudo-header has too */
	__u64 uncovered; /* in headers without a checksum of their own: IPv6 */
};

ALWAYS __u64 change(__u32 old, __u32 new)
{
	return (__u64)(__u32)~old + new;
}

ALWAYS __u64 change16(__u16 old, __u16 new)
{
	return (__u64)(__u16)~old + new;
}

ALWAYS __u16 fold(__u64 sum)
{
	sum = (sum & 0xffffffff) + (sum >> 32);
	sum = (sum & 0xffff) + (sum >> 16);
	sum = (sum & 0xffff) + (sum >> 16);
	return (sum & 0xffff) + (sum >> 16);
}

/* Returns the checksum after the change: equation 3 of RFC 1624. */
ALWAYS __u16 updated(__u16 checksum, __u64 changed)
{
	return ~fold((__u16)~checksum + changed);
}

/* Makes the headers lie in one piece. What lies in one piece can be written: the kernel sees to that where a program writes. */
ALWAYS bool gather(struct __sk_buff *skb, const struct headers *h)
{
	__u32 linear = skb->data_end - skb->data, need = h->l4 + TRANSPORT_HEADER;

	if (need > skb->len)
		need = skb->len;
	return linear >= need || bpf_skb_pull_data(skb, need) == 0;
}

ALWAYS void write_mac(__u8 *at, const __u8 *mac)
{
	*(__u32 *)at = *(const __u32 *)mac;
	*(__u16 *)(at + 4) = *(const __u16 *)(mac + 4);
}

ALWAYS int rewrite_macs(struct __sk_buff *skb, const struct actions *a)
{
	__u8 *data = (void *)(long)skb->data, *end = (void *)(long)skb->data_end;

	if (data + ETH_HLEN > end)
		return -1;
	if (a->fields & FIELD_DST_MAC)
		write_mac(data, a->dst_mac);
	if (a->fields & FIELD_SRC_MAC)
		write_mac(data + ETH_ALEN, a->src_mac);
	return 0;
}

ALWAYS __u64 write_word(__be32 *at, __be32 value)
{
	__be32 old = *at;

	*at = value;
	return change(old, value);
}

ALWAYS __u64 write_half(__be16 *at, __be16 value)
{
	__be16 old = *at;

	*at = value;
	return change16(old, value);
}

ALWAYS int rewrite_ipv4(struct __sk_buff *skb, const struct actions *a, const struct headers *h, struct changes *c)
{
	void *data = (void *)(long)skb->data, *end = (void *)(long)skb->data_end;
	struct iphdr *ip = data + (h->l3 & 31);
	__be16 *words = (void *)ip;
	__u64 others = 0;

	if ((void *)(ip + 1) > end)
		return -1;
	if (a->fields & FIELD_SRC_IP)
		c->addresses += write_word(&ip->saddr, *(const __be32 *)a->src_ip);
	if (a->fields & FIELD_DST_IP)
		c->addresses += write_word(&ip->daddr, *(const __be32 *)a->dst_ip);
	if (a->fields & FIELD_TOS)
		others += write_half(&words[0], (words[0] & bpf_htons(0xff00)) | bpf_htons(a->tos));
	if (a->fields & FIELD_TTL)
		others += write_half(&words[4], words[4] - bpf_htons(a->hops << 8)); /* the TTL is the word's upper octet */
	ip->check = updated(ip->check, c->addresses + others);
	return 0;
}

ALWAYS __u64 write_ipv6_address(__be32 *at, const __be32 *value)
{
	__u64 changed = 0;

	for (int i = 0; i < 4; i++)
		changed += write_word(&at[i], value[i]);
	return changed;
}

ALWAYS int rewrite_ipv6(struct __sk_buff *skb, const struct actions *a, const struct headers *h, struct changes *c)
{
	void *data = (void *)(long)skb->data, *end = (void *)(long)skb->data_end;
	struct ipv6hdr *ip = data + (h->l3 & 31);
	__be16 *words = (void *)ip;

	if ((void *)(ip + 1) > end)
		return -1;
	if (a->fields & FIELD_SRC_IP)
		c->addresses += write_ipv6_address(ip->saddr.s6_addr32, (const __be32 *)a->src_ip);
	if (a->fields & FIELD_DST_IP)
		c->addresses += write_ipv6_address(ip->daddr.s6_addr32, (const __be32 *)a->dst_ip);
	c->uncovered = c->addresses;
	if (a->fields & FIELD_TOS) /* it stands across the first two octets */
		c->uncovered += write_half(&words[0], (words[0] & bpf_htons(0xf00f)) | bpf_htons(a->tos << 4));
	if (a->fields & FIELD_TTL) /* the hop limit is the word's lower octet */
		c->uncovered += write_half(&words[3], words[3] - bpf_htons(a->hops));
	return 0;
}

/* Where the transport checksum stands in its header; 0: there is none that could be updated. */
ALWAYS __u32 checksum_place(const struct headers *h)
{
	if (h->fragment == FRAGMENT_LATER)
		return 0;
	switch (h->proto) {
	case IPPROTO_TCP:
		return offsetof(struct tcphdr, check);
	case IPPROTO_UDP:
		return offsetof(struct udphdr, check);
	case IPPROTO_ICMP:
		return h->family == 4 ? 2 : 0;
	case IPPROTO_ICMPV6:
		return h->family == 6 ? 2 : 0;
	}
	return 0;
}

/* True where the header has all the fields that are to be written. */
ALWAYS bool has_fields(const struct actions *a, const struct headers *h)
{
	if (a->fields & FIELDS_PORT && (h->fragment == FRAGMENT_LATER || (h->proto != IPPROTO_TCP && h->proto != IPPROTO_UDP)))
		return false;
	return !(a->fields & FIELD_ECHO_ID) || h->echo;
}

ALWAYS __u64 rewrite_ports(__be16 *ports, const struct actions *a)
{
	__u64 changed = 0;

	if (a->fields & FIELD_SRC_PORT)
		changed += write_half(&ports[0], a->src_port);
	if (a->fields & FIELD_DST_PORT)
		changed += write_half(&ports[1], a->dst_port);
	if (a->fields & FIELD_ECHO_ID)
		changed += write_half(&ports[2], a->echo_id);
	return changed;
}

/* UDP says by 0 that there is no checksum, which stays so; a sum that comes out as 0 is written as its other form (RFC 768). */
ALWAYS __u16 updated_udp(__u16 checksum, __u64 changed)
{
	__u16 sum = checksum ? updated(checksum, changed) : 0;

	return checksum && !sum ? 0xffff : sum;
}

/* An ICMP echo of nothing but zeros has the checksum 0xffff. The change cannot tell it from 0, for which it stands in any other. */
ALWAYS __u16 updated_echo(const __be16 *message, __u16 checksum, __u64 changed)
{
	__u16 sum = updated(checksum, changed);

	return sum || message[0] || message[2] ? sum : 0xffff;
}

/* pseudo is what has changed in the pseudo-header, and own what has in the transport header. */
ALWAYS int rewrite_transport(struct __sk_buff *skb, const struct actions *a, const struct headers *h, struct changes *c, __u8 summed,
			     __u64 pseudo, __u64 own)
{
	void *data = (void *)(long)skb->data, *end = (void *)(long)skb->data_end;
	__be16 *ports = data + (h->l4 & 0x7fff);
	__u32 place = checksum_place(h) & 31;
	__be16 *checksum = (void *)ports + place;
	__u16 old, new;

	if (!has_fields(a, h))
		return -1;
	if (!place)
		return 0;
	if ((void *)(ports + 3) > end || (void *)(checksum + 1) > end)
		return -1;
	old = *checksum;
	own += rewrite_ports(ports, a);
	if (summed == CHECKSUM_PARTIAL && checksum_start(skb) == h->l4)
		new = fold(old + pseudo);
	else if (h->proto == IPPROTO_UDP)
		new = updated_udp(old, pseudo + own);
	else if (a->fields & (FIELD_ECHO_ID | FIELD_FAMILY) && h->proto == IPPROTO_ICMP)
		new = updated_echo(ports, old, pseudo + own);
	else
		new = updated(old, pseudo + own);
	*checksum = new;
	c->uncovered += own + change16(old, new);
	return 0;
}

/* Writes a->fields; not 0 means that the packet is spoilt, or has not the header that a field is in. */
SLOW int rewrite(struct __sk_buff *skb, const struct actions *a, const struct headers *h)
{
	struct changes c = {};
	__u8 summed;

	if (!gather(skb, h))
		return -1;
	if (a->fields & FIELDS_MAC && rewrite_macs(skb, a))
		return -1;
	if (!(a->fields & ~FIELDS_MAC))
		return 0;
	if (h->family == 4 ? rewrite_ipv4(skb, a, h, &c) : h->family != 6 || rewrite_ipv6(skb, a, h, &c))
		return -1;
	summed = ip_summed(skb);
	if (a->fields & ~(FIELDS_MAC | FIELD_TOS | FIELD_TTL) &&
	    rewrite_transport(skb, a, h, &c, summed, h->proto == IPPROTO_ICMP ? 0 : c.addresses, 0))
		return -1;
	if (summed == CHECKSUM_COMPLETE)
		bpf_csum_update(skb, fold(c.uncovered));
	return 0;
}

/* A packet that a router may not send on (RFC 1812 section 5.3.1): the agent has to answer it. */
ALWAYS bool expires(const struct actions *a, const struct headers *h)
{
	return a->fields & FIELD_TTL && h->family && h->ttl <= a->hops;
}

/* The IP packets that the kernel or hardware will cut this one into: all headers, and so much payload. */
SLOW int segment_length(struct __sk_buff *skb, const struct headers *h)
{
	__u32 l4 = ip_summed(skb) == CHECKSUM_PARTIAL ? checksum_start(skb) : h->l4; /* the innermost, where the sender tunnels */
	__u32 header = sizeof(struct udphdr);
	__u8 length;

	if (checksum_offset(skb) == offsetof(struct tcphdr, check)) {
		if (bpf_skb_load_bytes(skb, l4 + 12, &length, 1))
			return skb->len;
		header = (length >> 4) * 4;
	}
	return l4 - h->l3 + header + skb->gso_size;
}

/* An IP packet that the way cannot carry (RFC 1191, RFC 8201): the agent has to answer it. */
ALWAYS bool exceeds(struct __sk_buff *skb, const struct actions *a, const struct headers *h)
{
	if (!a->mtu || !h->family || skb->len - h->l3 <= a->mtu)
		return false;
	return !skb->gso_size || segment_length(skb, h) > a->mtu;
}
