/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/*
 * flow.Rewrite. Checksums are updated by what changed (RFC 1624) and never computed anew, so that they are right whether the
 * sender completed them or left them to hardware: the kernel's helpers tell the two apart.
 */
#pragma once

#include "parse.h"
#include <stddef.h>

#define FIELDS_MAC (FIELD_SRC_MAC | FIELD_DST_MAC)
#define FIELDS_PORT (FIELD_SRC_PORT | FIELD_DST_PORT)

/* Where the transport checksum is, 0 for none; flags gets what bpf_l4_csum_replace needs to know. */
ALWAYS __u32 transport_checksum(const struct headers *h, __u64 *flags)
{
	if (h->fragment == FRAGMENT_LATER)
		return 0;
	switch (h->proto) {
	case IPPROTO_TCP:
		return h->l4 + 16;
	case IPPROTO_UDP:
		*flags |= BPF_F_MARK_MANGLED_0; /* 0 means no checksum and stays 0 */
		return h->l4 + 6;
	case IPPROTO_ICMPV6:
		return h->l4 + 2;
	}
	return 0;
}

ALWAYS int rewrite_ipv4_address(struct __sk_buff *skb, const struct headers *h, __u32 at, const __u8 *to)
{
	__u64 flags = BPF_F_PSEUDO_HDR | 4;
	__u32 checksum = transport_checksum(h, &flags);
	__be32 old, new;

	__builtin_memcpy(&new, to, 4);
	if (bpf_skb_load_bytes(skb, at, &old, 4))
		return -1;
	if (checksum && h->proto != IPPROTO_ICMPV6 && bpf_l4_csum_replace(skb, checksum, old, new, flags))
		return -1;
	if (bpf_l3_csum_replace(skb, h->l3 + offsetof(struct iphdr, check), old, new, 4))
		return -1;
	return bpf_skb_store_bytes(skb, at, &new, 4, 0);
}

ALWAYS int rewrite_ipv6_address(struct __sk_buff *skb, const struct headers *h, __u32 at, const __u8 *to)
{
	__u64 flags = BPF_F_PSEUDO_HDR;
	__u32 checksum = transport_checksum(h, &flags);
	__be32 old[4], new[4];
	__s64 difference;

	__builtin_memcpy(new, to, 16);
	if (bpf_skb_load_bytes(skb, at, old, 16))
		return -1;
	difference = bpf_csum_diff(old, 16, new, 16, 0);
	if (checksum && bpf_l4_csum_replace(skb, checksum, 0, difference, flags))
		return -1;
	return bpf_skb_store_bytes(skb, at, new, 16, 0);
}

SLOW int rewrite_addresses(struct __sk_buff *skb, const struct actions *a, const struct headers *h)
{
	if (h->family == 4) {
		if (a->fields & FIELD_SRC_IP && rewrite_ipv4_address(skb, h, h->l3 + offsetof(struct iphdr, saddr), a->src_ip))
			return -1;
		if (a->fields & FIELD_DST_IP && rewrite_ipv4_address(skb, h, h->l3 + offsetof(struct iphdr, daddr), a->dst_ip))
			return -1;
		return 0;
	}
	if (a->fields & FIELD_SRC_IP && rewrite_ipv6_address(skb, h, h->l3 + offsetof(struct ipv6hdr, saddr), a->src_ip))
		return -1;
	if (a->fields & FIELD_DST_IP && rewrite_ipv6_address(skb, h, h->l3 + offsetof(struct ipv6hdr, daddr), a->dst_ip))
		return -1;
	return 0;
}

ALWAYS int rewrite_port(struct __sk_buff *skb, const struct headers *h, __u32 at, __be16 new)
{
	__u64 flags = 2;
	__u32 checksum = transport_checksum(h, &flags);
	__be16 old;

	if (bpf_skb_load_bytes(skb, at, &old, 2))
		return -1;
	if (bpf_l4_csum_replace(skb, checksum, old, new, flags))
		return -1;
	return bpf_skb_store_bytes(skb, at, &new, 2, 0);
}

/* TCP and UDP alone: SCTP's CRC covers the whole packet and cannot be updated from here. */
SLOW int rewrite_ports(struct __sk_buff *skb, const struct actions *a, const struct headers *h)
{
	if (h->fragment == FRAGMENT_LATER || (h->proto != IPPROTO_TCP && h->proto != IPPROTO_UDP))
		return -1;
	if (a->fields & FIELD_SRC_PORT && rewrite_port(skb, h, h->l4, a->src_port))
		return -1;
	if (a->fields & FIELD_DST_PORT && rewrite_port(skb, h, h->l4 + 2, a->dst_port))
		return -1;
	return 0;
}

/* The first 16-bit word of the header holds the TOS octet in IPv4, the traffic class across two octets in IPv6. */
SLOW int rewrite_tos(struct __sk_buff *skb, const struct headers *h, __u8 tos)
{
	__be16 old, new;

	if (bpf_skb_load_bytes(skb, h->l3, &old, 2))
		return -1;
	if (h->family == 6)
		new = (old & bpf_htons(0xf00f)) | bpf_htons(tos << 4);
	else
		new = (old & bpf_htons(0xff00)) | bpf_htons(tos);
	if (h->family == 4 && bpf_l3_csum_replace(skb, h->l3 + offsetof(struct iphdr, check), old, new, 2))
		return -1;
	return bpf_skb_store_bytes(skb, h->l3, &new, 2, 0);
}

/* IPv4's TTL shares a checksummed word with the protocol; IPv6 has no header checksum. */
SLOW int decrement_ttl(struct __sk_buff *skb, const struct headers *h)
{
	__u8 ttl = h->ttl - 1;

	if (h->family == 6)
		return bpf_skb_store_bytes(skb, h->l3 + offsetof(struct ipv6hdr, hop_limit), &ttl, 1, 0);
	if (bpf_l3_csum_replace(skb, h->l3 + offsetof(struct iphdr, check), bpf_htons(h->ttl << 8 | h->proto),
				bpf_htons(ttl << 8 | h->proto), 2))
		return -1;
	return bpf_skb_store_bytes(skb, h->l3 + offsetof(struct iphdr, ttl), &ttl, 1, 0);
}

SLOW int rewrite_macs(struct __sk_buff *skb, const struct actions *a)
{
	if (a->fields & FIELD_DST_MAC && bpf_skb_store_bytes(skb, 0, a->dst_mac, 6, 0))
		return -1;
	if (a->fields & FIELD_SRC_MAC && bpf_skb_store_bytes(skb, 6, a->src_mac, 6, 0))
		return -1;
	return 0;
}

/* Writes a->fields; not 0 means that the packet is spoilt, or has not the header that a field is in. */
SLOW int rewrite(struct __sk_buff *skb, const struct actions *a, const struct headers *h)
{
	if (a->fields & FIELDS_MAC && rewrite_macs(skb, a))
		return -1;
	if (!(a->fields & ~FIELDS_MAC))
		return 0;
	if (!h->family)
		return -1;
	if (a->fields & (FIELD_SRC_IP | FIELD_DST_IP) && rewrite_addresses(skb, a, h))
		return -1;
	if (a->fields & FIELDS_PORT && rewrite_ports(skb, a, h))
		return -1;
	if (a->fields & FIELD_TOS && rewrite_tos(skb, h, a->tos))
		return -1;
	if (a->fields & FIELD_DEC_TTL && decrement_ttl(skb, h))
		return -1;
	return 0;
}

/* A packet that a router may not send on (RFC 1812 section 5.3.1): the agent has to answer it. */
ALWAYS bool expires(const struct actions *a, const struct headers *h)
{
	return a->fields & FIELD_DEC_TTL && h->ttl <= 1;
}
