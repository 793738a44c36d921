/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* The maps, and the one-line helpers on them. */
#pragma once

#include "types.h"
#include <bpf/bpf_helpers.h>

#define ALWAYS static __always_inline
#define SLOW static __noinline

/* The maps that outlive the agent: what is installed goes on forwarding without it. */

/* A flow that is removed or forgotten may become another at once, while a program on another CPU still acts by it: such a packet
 * may go the other's way. The kernel offers no map without this, and the window is the tenth of a microsecond that acting takes. */
struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 1); /* set by the agent */
	__type(key, struct flow_key);
	__type(value, struct flow);
	__uint(pinning, LIBBPF_PIN_BY_NAME);
} flows SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 16384);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, __u32);
	__type(value, struct port);
	__uint(pinning, LIBBPF_PIN_BY_NAME);
} ports SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 16384);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, __u32);
	__type(value, struct delivery);
	__uint(pinning, LIBBPF_PIN_BY_NAME);
} tunnels SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, COUNTERS);
	__type(key, __u32);
	__type(value, __u64);
	__uint(pinning, LIBBPF_PIN_BY_NAME);
} counters SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct config);
	__uint(pinning, LIBBPF_PIN_BY_NAME);
} settings SEC(".maps");

/* The maps that each agent makes anew: what waited for a dead agent is stale, and so are seeds, which nobody would withdraw. */

struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 1 << 20); /* set by the agent */
} misses SEC(".maps");

/* The one value is what is common to all ports that post into the ring. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct sharing);
} sharing SEC(".maps");

/* The one value is when the agent looks into the ring next without being woken, at the earliest: CLOCK_MONOTONIC, ns. See miss.h. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, __u64);
} looks SEC(".maps");

/* The one value is what other hosts have had of the ring for their state messages. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct gate);
} states SEC(".maps");

/* By wide keys. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, MAX_SEEDS);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, struct flow_key);
	__type(value, struct seed);
} seeds SEC(".maps");

/* The ports that seeds have given, in network order. What is forgotten costs the source port another one. */
struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, MAX_SOURCES);
	__type(key, struct source);
	__type(value, __u32);
} sources SEC(".maps");

/* The one value is until when ports are given: CLOCK_MONOTONIC_COARSE, ns. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, __u64);
} attended SEC(".maps");

/* Where a flow of a seed is made that differs from the seed's. */
struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct flow);
} bench SEC(".maps");

/* By the wide keys of answers. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, MAX_SEEDS);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, struct answer_key);
	__type(value, struct answer_seed);
} answers SEC(".maps");

/* By the keys of answers. What is forgotten costs a miss. */
struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, MAX_AWAITED);
	__type(key, struct flow_key);
	__type(value, struct awaited);
} awaits SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, EXEC_SLOTS);
	__uint(map_flags, BPF_F_MMAPABLE);
	__type(key, __u32);
	__type(value, struct actions);
} exec SEC(".maps");

ALWAYS void count(__u32 which)
{
	__u64 *total = bpf_map_lookup_elem(&counters, &which);

	if (total)
		(*total)++; /* per CPU: no other writer */
}

ALWAYS struct config *get_settings(void)
{
	__u32 zero = 0;

	return bpf_map_lookup_elem(&settings, &zero);
}
