/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/*
 * What the maps hold. The Go side reads these types from the object's BTF (see generate.go), so no structure has implicit padding.
 * A change here that an older agent's pinned maps would misread needs a new LAYOUT.
 */
#pragma once

#include <linux/bpf.h>
#include <linux/types.h>
#include <stdbool.h>

#define LAYOUT 3       /* stored in struct config; another value makes the agent start with empty maps */
#define MAX_OUTPUTS 8  /* datapath.MaxOutputs */
#define EXEC_SLOTS 64  /* packets that the agent sends with one system call */
#define VLAN_PRESENT 0x1000
#define MAX_SEEDS 4096 /* datapath.MaxSeeds */
#define MAX_SEED_PORTS 64 /* flow.MaxSeedPorts */
#define MAX_SOURCES 16384
#define MAX_AWAITED 16384 /* datapath.MaxAwaited */
#define AWAITED_FOR 30000000000ULL /* datapath.AwaitedFor, ns */
#define BIRTH 0xffffffff
#define STATE_TUNNEL_KEY 0xffffff /* datapath.StateTunnelKey */
#define ORIGIN_TUNNEL_KEY 0xfffffe /* datapath.OriginTunnelKey */
#define OPENING 0x800000          /* datapath.Opening */
#define OPENINGS_PER_STATE 8      /* datapath.OpeningsPerState */

/* Whether a packet is part of a larger one: the Fragment constants of package flow. */
enum fragment { UNFRAGMENTED, FRAGMENT_FIRST, FRAGMENT_LATER };

/* flow.Ports. */
enum ports { SRC_PORT = 1 << 0, DST_PORT = 1 << 1 };

/* flow.Key, with the interface that the packet came in by for its port. IPv4 addresses stand in the first four octets. */
struct flow_key {
	__u32 in_port; /* ifindex */
	__u8 dst_mac[6];
	__u8 src_mac[6];
	__be16 ether_type;
	__u16 vlan; /* VLAN_PRESENT and the id */
	__u8 src_ip[16];
	__u8 dst_ip[16];
	__u8 proto;
	__u8 fragment;
	__u8 tos;
	__u8 any; /* enum ports: those of no consequence, which are 0 */
	__be16 src_port;
	__be16 dst_port; /* of ICMP echo: the identifier */
};

/* The fields of flow.Rewrite, same bits as the Field constants of package flow. */
enum field {
	FIELD_SRC_MAC = 1 << 0,
	FIELD_DST_MAC = 1 << 1,
	FIELD_SRC_IP = 1 << 2,
	FIELD_DST_IP = 1 << 3,
	FIELD_SRC_PORT = 1 << 4,
	FIELD_DST_PORT = 1 << 5,
	FIELD_TOS = 1 << 6,
	FIELD_TTL = 1 << 7,
	FIELD_ECHO_ID = 1 << 8,
	FIELD_FAMILY = 1 << 9,
};

enum output_kind {
	OUTPUT_END,        /* no more outputs */
	OUTPUT_LOCAL,      /* transmit on the interface */
	OUTPUT_LOCAL_PEER, /* hand to the other end of the veth, which is in another namespace: saves a trip through the backlog */
	OUTPUT_TUNNEL_IPV4,
	OUTPUT_TUNNEL_IPV6,
};

struct output {
	__u32 target;  /* ifindex, or tunnel key */
	__u8 peer[16]; /* underlay address of the other host, network order */
};

/* flow.Actions. The first output takes the packet itself, the others take clones; tunnels stand before local outputs, so that
 * the packet that was given tunnel metadata is the one that leaves through the tunnel. */
struct actions {
	__u16 fields;
	__be16 src_port;
	__be16 dst_port;
	__u8 tos;
	__u8 hops;    /* what is taken from the TTL */
	__be16 echo_id;
	__u16 mtu;    /* the largest IP packet; 0: any */
	__u8 dst_mac[6];
	__u8 src_mac[6];
	__u8 src_ip[16];
	__u8 dst_ip[16];
	__u8 kinds[MAX_OUTPUTS];
	struct output outputs[MAX_OUTPUTS];
};

struct flow {
	__u64 packets;
	__u64 bytes;
	__u64 last_used; /* CLOCK_MONOTONIC_COARSE, ns */
	struct actions actions;
};

/* What of a seed's connections is told in a struct origin. */
enum tells { TELLS_NOTHING, TELLS_ORIGIN, TELLS_TRACKED };

/* flow.Seed and its key's actions: flows as they are to be inserted, but for the time. Of a seed that leaves (flow.Leaves) what answers is
 * zero. */
struct seed {
	struct flow first;
	struct flow answers;
	struct flow_key answer; /* its ports in any are the first packet's, exchanged */
	__u32 ports;            /* how many there are of port */
	__u32 given;            /* how many of them have been given, or more */
	__u32 tells;            /* enum tells */
	__be16 port[MAX_SEED_PORTS];
	__u8 router[16];        /* of what is told */
	__u64 number; /* last, for it is written last: see seed.h */
};

/* What a port of a seed is given to. */
struct source {
	__u64 seed;
	__be16 port;
	__u8 pad[6];
};

/* What seeds of answers (flow.Answers) are found by. */
struct answer_key {
	struct flow_key key;
	__u8 behind[16]; /* flow.Seed.Behind, as in a key; 0: none */
};

struct answer_seed {
	struct flow flow;
	__u64 number; /* last */
};

/* What one sender of packets to the agent has had. */
struct gate {
	__u64 due;   /* ns: when the next one would be due at its rate */
	__u64 turn;  /* of the ring: see miss.h */
	__u64 taken; /* octets of the ring in this turn */
};

/* A plugged interface, by ifindex. */
struct port {
	__u8 id[16];
	__u32 tunnel_key;
	__u32 kind; /* OUTPUT_LOCAL or OUTPUT_LOCAL_PEER */
	struct gate misses;
};

/* How many ports share the ring of misses. */
struct sharing {
	__u64 turn;
	__u32 ports;        /* that took room in this turn */
	__u32 ports_before; /* and in the one before */
};

/* Where packets from other hosts go, by tunnel key. */
struct delivery {
	__u32 ifindex;
	__u32 kind;
};

/* One value for the whole datapath, written by the agent. */
struct config {
	__u32 layout;
	__u32 tunnel_ifindex;
	__u32 source_ipv4;    /* of tunnelled packets, host order; 0: the kernel chooses */
	__u8 source_ipv6[16]; /* all zero: the kernel chooses */
	__u32 wide;           /* which flows there may be: 1 << any of their keys; 1 << 0 says that it is known */
	__u64 miss_interval; /* ns between the misses of one port */
	__u64 miss_burst;    /* ns: how far ahead of its rate a port may be */
	__u64 state_interval; /* ns between the state messages of all other hosts together */
	__u64 state_burst;
};

/* A packet on its way to the agent. */
struct miss {
	__u32 in_port; /* ifindex; 0: a state message from another host */
	__u32 length;
	__u16 segment_size;    /* not 0: to be cut into segments with so much payload */
	__u16 checksum_start;  /* where the sender left the checksum to hardware: from where to sum, from the start of the frame */
	__u16 checksum_offset; /* and where to write the sum, from checksum_start */
	__u16 vlan_tci;        /* of a tag that the kernel keeps beside the frame */
	__be16 vlan_proto;     /* 0: no such tag */
	__u16 checksum_partial;
	__u8 frame[];
};

/* A connection that was begun of a seed, on its way to the agent in the place of a packet: datapath.Birth. */
struct birth {
	__u32 in_port; /* as of a miss: 0 of one that another host has begun */
	__u32 length; /* BIRTH, which no packet has */
	__u64 number; /* of the seed */
	struct flow_key first;
	struct flow_key answer;
	__be16 port; /* that the seed has given */
	__u8 pad[6];
};

/* datapath.Origin: the end of a packet with ORIGIN_TUNNEL_KEY, behind the frame. Addresses stand as in a key. Its halves add up to nothing in
 * ones' complement (0xffff), so that a checksum over all that follows, which the frame's sender has left to hardware, comes out as if it were not
 * there. */
struct origin {
	__be32 tunnel_key; /* of the port that the frame is for */
	__u8 router[16];
	__u8 src_ip[16];
	__u8 dst_ip[16];
	__be16 src_port;
	__be16 dst_port;
	__be16 tells; /* enum tells */
	__u16 sum;
};

/* A connection that another host has begun by a packet with an origin. */
struct opened {
	struct birth birth;
	struct origin origin;
	__u32 pad;
};

/* A connection of UDP that another host has begun, to which there may be an answer. */
struct awaited {
	__u64 until; /* CLOCK_MONOTONIC_COARSE, ns */
	struct origin origin; /* all zero: it has none */
	__u32 pad;
};

/* Indices of the counters map: datapath.Counters. */
enum counter {
	COUNTER_HITS,
	COUNTER_MISSES,
	COUNTER_MISSES_LOST,
	COUNTER_TUNNEL_UNKNOWN,
	COUNTER_ERRORS,
	COUNTER_STATES,
	COUNTER_STATES_LOST,
	/* Written by the agent alone: packets that its socket refused, and those that it took from the ring and dropped. */
	COUNTER_SEND_ERRORS,
	COUNTER_BACKLOG_LOST,
	COUNTER_BORN,
	COUNTERS,
};
