/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* From a frame to its flow key, as agent/packet does it in Go. */
#pragma once

#include "skb.h"
#include <bpf/bpf_endian.h>
#include <linux/if_ether.h>
#include <linux/in.h>
#include <linux/ip.h>
#include <linux/ipv6.h>

#define IPPROTO_AUTH 51
#define MAX_EXTENSIONS 8 /* packet.MaxExtensions */

/* Ethernet, one tag, IPv6 and ports: what nearly every packet needs, and no more is pulled into the linear part. */
#define USUAL_HEADERS (ETH_HLEN + 4 + sizeof(struct ipv6hdr) + 4)

/* What rewriting needs to know of a packet besides its key. Offsets count from the start of the frame. */
struct headers {
	__u32 l3;
	__u32 l4;
	__u8 family; /* 4, 6, or 0 for another protocol */
	__u8 proto;
	__u8 fragment;
	__u8 ttl;
	__u8 echo; /* 1: an ICMP echo or its reply, with its header */
};

struct vlan_tag {
	__be16 tci;
	__be16 ether_type;
};

ALWAYS void pull_headers(struct __sk_buff *skb)
{
	__u32 linear = skb->data_end - skb->data;

	if (linear < USUAL_HEADERS && linear < skb->len)
		bpf_skb_pull_data(skb, skb->len < USUAL_HEADERS ? skb->len : USUAL_HEADERS);
}

ALWAYS bool is_tag(__be16 ether_type)
{
	return ether_type == bpf_htons(ETH_P_8021Q) || ether_type == bpf_htons(ETH_P_8021AD);
}

/* The kernel takes the outermost tag out of a received frame and keeps it beside; a frame that the agent sends still has it in. */
ALWAYS bool parse_ethernet(struct __sk_buff *skb, struct flow_key *key, struct headers *h)
{
	void *data = (void *)(long)skb->data, *end = (void *)(long)skb->data_end;
	struct ethhdr *eth = data;

	if ((void *)(eth + 1) > end)
		return false;
	__builtin_memcpy(key->dst_mac, eth->h_dest, 12);
	key->ether_type = eth->h_proto;
	h->l3 = ETH_HLEN;
	if (skb->vlan_present) {
		key->vlan = (skb->vlan_tci & 0x0fff) | VLAN_PRESENT;
	} else if (is_tag(eth->h_proto)) {
		struct vlan_tag *tag = (void *)(eth + 1);

		if ((void *)(tag + 1) > end)
			return false;
		key->vlan = (bpf_ntohs(tag->tci) & 0x0fff) | VLAN_PRESENT;
		key->ether_type = tag->ether_type;
		h->l3 += sizeof(*tag);
	}
	return true;
}

/* Echo and its reply of either family (RFC 792, RFC 4443). */
ALWAYS bool is_echo(__u8 family, __u8 type)
{
	return family == 4 ? type == 8 || type == 0 : type == 128 || type == 129;
}

/* Type and code, or of echo type and identifier. */
ALWAYS bool parse_icmp(struct __sk_buff *skb, struct flow_key *key, struct headers *h, const __u8 *head)
{
	__u8 type = head[0], code = head[1];
	__be16 echo[4]; /* type and code, checksum, identifier, sequence number */

	key->src_port = bpf_htons(type);
	key->dst_port = bpf_htons(code);
	if (!is_echo(h->family, type))
		return true;
	if (bpf_skb_load_bytes(skb, h->l4, echo, sizeof(echo)))
		return false;
	key->dst_port = echo[2];
	h->echo = 1;
	return true;
}

/* The first octets of the transport header. */
ALWAYS bool parse_transport(struct __sk_buff *skb, struct flow_key *key, struct headers *h)
{
	void *data = (void *)(long)skb->data, *end = (void *)(long)skb->data_end;
	__u8 *head = data + (h->l4 & 0x7fff), copy[4]; /* the mask, over all that can be stepped over, is for the verifier */
	bool icmp = h->proto == (h->family == 4 ? IPPROTO_ICMP : IPPROTO_ICMPV6);

	if (h->fragment == FRAGMENT_LATER)
		return true;
	if (!icmp && h->proto != IPPROTO_TCP && h->proto != IPPROTO_UDP && h->proto != IPPROTO_SCTP)
		return true;
	if ((void *)(head + 4) > end) { /* behind what was pulled */
		if (bpf_skb_load_bytes(skb, h->l4, copy, sizeof(copy)))
			return false;
		head = copy;
	}
	if (icmp)
		return parse_icmp(skb, key, h, head);
	__builtin_memcpy(&key->src_port, head, 4);
	return true;
}

ALWAYS bool parse_ipv4(struct __sk_buff *skb, struct flow_key *key, struct headers *h)
{
	void *data = (void *)(long)skb->data, *end = (void *)(long)skb->data_end;
	struct iphdr *ip = data + h->l3;
	__u16 offset;

	if ((void *)(ip + 1) > end || ip->version != 4 || ip->ihl < 5)
		return false;
	h->family = 4;
	h->proto = ip->protocol;
	h->ttl = ip->ttl;
	h->l4 = h->l3 + ip->ihl * 4;
	offset = bpf_ntohs(ip->frag_off);
	if (offset & 0x1fff)
		h->fragment = FRAGMENT_LATER;
	else if (offset & 0x2000)
		h->fragment = FRAGMENT_FIRST;
	key->tos = ip->tos;
	__builtin_memcpy(key->src_ip, &ip->saddr, 4);
	__builtin_memcpy(key->dst_ip, &ip->daddr, 4);
	return true;
}

ALWAYS bool is_extension(__u8 proto)
{
	return proto == IPPROTO_HOPOPTS || proto == IPPROTO_ROUTING || proto == IPPROTO_FRAGMENT || proto == IPPROTO_AUTH ||
	       proto == IPPROTO_DSTOPTS;
}

/* Steps over one IPv6 extension header (RFC 8200 section 4, RFC 4302). */
ALWAYS bool skip_extension(struct __sk_buff *skb, struct headers *h)
{
	__u8 head[8]; /* next header, length, and for a fragment the offset and the more-fragments flag */
	__u32 size;

	if (bpf_skb_load_bytes(skb, h->l4, head, sizeof(head)))
		return false;
	size = 8 + head[1] * 8;
	if (h->proto == IPPROTO_AUTH)
		size = 8 + head[1] * 4;
	if (h->proto == IPPROTO_FRAGMENT) {
		size = 8;
		if (head[2] || head[3] & 0xf8)
			h->fragment = FRAGMENT_LATER;
		else
			h->fragment = head[3] & 1 ? FRAGMENT_FIRST : UNFRAGMENTED;
	}
	h->proto = head[0];
	h->l4 += size;
	return true;
}

SLOW int skip_extensions(struct __sk_buff *skb, struct headers *h)
{
	for (int i = 0; i < MAX_EXTENSIONS; i++) {
		if (!skip_extension(skb, h))
			return -1;
		if (h->fragment == FRAGMENT_LATER || !is_extension(h->proto))
			return 0;
	}
	return -1;
}

ALWAYS bool parse_ipv6(struct __sk_buff *skb, struct flow_key *key, struct headers *h)
{
	void *data = (void *)(long)skb->data, *end = (void *)(long)skb->data_end;
	struct ipv6hdr *ip = data + h->l3;

	if ((void *)(ip + 1) > end || ip->version != 6)
		return false;
	h->family = 6;
	h->proto = ip->nexthdr;
	h->ttl = ip->hop_limit;
	h->l4 = h->l3 + sizeof(*ip);
	key->tos = ip->priority << 4 | ip->flow_lbl[0] >> 4;
	__builtin_memcpy(key->src_ip, &ip->saddr, 32); /* and the destination behind it */
	return !is_extension(h->proto) || skip_extensions(skb, h) == 0;
}

/* Fills key (but for in_port) and h, both zero before. False means that the packet is never cached: ARP, or not understood. */
ALWAYS bool parse(struct __sk_buff *skb, struct flow_key *key, struct headers *h)
{
	pull_headers(skb);
	if (!parse_ethernet(skb, key, h))
		return false;
	switch (key->ether_type) {
	case bpf_htons(ETH_P_ARP):
		return false;
	case bpf_htons(ETH_P_IP):
		if (!parse_ipv4(skb, key, h))
			return false;
		break;
	case bpf_htons(ETH_P_IPV6):
		if (!parse_ipv6(skb, key, h))
			return false;
		break;
	default:
		return true;
	}
	key->proto = h->proto;
	key->fragment = h->fragment;
	return parse_transport(skb, key, h);
}
