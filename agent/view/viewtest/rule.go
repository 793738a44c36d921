package viewtest

import (
	"fmt"
	"strings"

	"midonet.org/midonet/id"
	"midonet.org/midonet/mac"
	"midonet.org/midonet/topology"
)

var actions = map[string]topology.RuleAction{
	"accept": topology.ActionAccept, "drop": topology.ActionDrop, "reject": topology.ActionReject, "return": topology.ActionReturn,
	"continue": topology.ActionContinue, "jump": topology.ActionJump, "dnat": topology.ActionDNAT, "snat": topology.ActionSNAT,
	"rev_dnat": topology.ActionReverseDNAT, "rev_snat": topology.ActionReverseSNAT, "float_dnat": topology.ActionFloatDNAT,
	"float_snat_exact": topology.ActionFloatSNATExact, "float_snat": topology.ActionFloatSNAT, "forwarding": topology.ActionForwarding,
}

// chain derives the rules' identifiers from the chain's and their places.
func (w *words) chain() *topology.Chain {
	name := w.next()
	c := &topology.Chain{ID: ID[topology.Chain](name), Name: name}
	for i, text := range strings.Split(strings.Join(w.list, " "), ";") {
		if strings.TrimSpace(text) == "" {
			continue
		}
		r, err := ParseRule(text)
		w.fail(err)
		r.ID = id.Derive[topology.Rule](c.ID, fmt.Sprint(i))
		c.Rules = append(c.Rules, r)
	}
	return c
}

// GatewayChains returns the text of the chains that the cluster renders (package translate) for a router that translates sources to the
// address of its port on an external network: pre-ROUTER, forward-ROUTER and post-ROUTER, which the router is to name, and those that they jump to.
func GatewayChains(router, port, addr string) string {
	return strings.NewReplacer("ROUTER", router, "PORT", port, "ADDR", addr).Replace(`
chain pre-ROUTER float_dnat; forwarding; rev_snat dst=ADDR; drop dst=ADDR !icmp
chain forward-ROUTER
chain post-ROUTER rev_dnat; jump nat64-ROUTER; jump skip-ROUTER; jump exact-ROUTER; jump float-ROUTER; snat out=PORT !src=ADDR target=ADDR@1024-65535; snat rewritten target=ADDR@1024-65535; drop out=PORT !src=ADDR
chain nat64-ROUTER
chain skip-ROUTER return out=PORT; accept !rewritten; accept in=PORT
chain exact-ROUTER float_snat_exact
chain float-ROUTER float_snat
`)
}

// ParseRule reads a rule: an action, of a jump the chain, and what it applies to, in any order:
//
//	tcp udp sctp icmp icmpv6 proto=47       ip4 ip6 arp ether=0x88b5     smac=MAC dmac=MAC
//	src=PREFIX dst=PREFIX                   srcgroup=GROUP dstgroup=GROUP   icmpsrc=PREFIX icmpdst=PREFIX
//	sport=1-9 dport=80 (of ICMP type and code)  fragments=none|header|later
//	in=PORT,PORT out=PORT,PORT              forward returning rewritten  notall
//	novlan vlan=5 tos=0x10 smac=MAC/MASK    group=GROUP ingroup=GROUP outgroup=GROUP traversed=DEVICE
//
// An exclamation mark before a word inverts it. A translation has target=ADDR, target=FIRST-LAST or target=ADDR@1024-65535, and may say
// what follows with then=accept, then=continue or then=return.
func ParseRule(text string) (topology.Rule, error) {
	w := &words{list: strings.Fields(text)}
	var r topology.Rule
	name := w.next()
	action, ok := actions[name]
	if !ok {
		return r, fmt.Errorf("%s: %q is not an action", text, name)
	}
	r.Action = action
	if action == topology.ActionJump {
		r.Jump = ID[topology.Chain](w.next())
	}
	if action >= topology.ActionDNAT {
		r.After = topology.ActionAccept
	}
	for len(w.list) > 0 && w.err == nil {
		w.ruleWord(&r, w.next())
	}
	if w.err != nil {
		return r, fmt.Errorf("%s: %w", text, w.err)
	}
	return r, nil
}

// ruleWord reads one word of a rule: what follows a translation, or one condition.
func (w *words) ruleWord(r *topology.Rule, word string) {
	condition := strings.TrimPrefix(word, "!")
	name, value, _ := strings.Cut(condition, "=")
	switch name {
	case "target":
		r.Targets = append(r.Targets, w.target(value))
		return
	case "then":
		r.After = actions[value]
		return
	}
	field, ok := w.header(&r.When, name, value)
	if !ok {
		field, ok = w.place(&r.When, name, value)
	}
	if !ok {
		w.fail(fmt.Errorf("%q is not known of a rule", word))
	}
	if condition != word {
		r.When.Not |= field
	}
}

var etherTypes = map[string]uint16{"ip4": 0x0800, "ip6": 0x86dd, "arp": 0x0806}

// header reads a condition on the packet's headers and returns the field that it is about.
func (w *words) header(c *topology.Condition, name, value string) (topology.ConditionField, bool) {
	switch name {
	case "tcp", "udp", "sctp", "icmp", "icmpv6", "proto":
		c.Proto, c.MatchProto = w.proto(name), true
		if name == "proto" {
			c.Proto = uint8(w.number(value))
		}
		return topology.NotProto, true
	case "ip4", "ip6", "arp":
		c.EtherType = etherTypes[name]
		return topology.NotEtherType, true
	case "ether":
		c.EtherType = uint16(w.number(value))
		return topology.NotEtherType, true
	case "novlan":
		c.NoVLAN = true
		return 0, true
	case "vlan":
		c.VLAN = uint16(w.number(value))
		return 0, true
	case "tos":
		c.TOS, c.MatchTOS = uint8(w.number(value)), true
		return topology.NotTOS, true
	case "smac":
		value, mask, masked := strings.Cut(value, "/")
		if masked {
			c.SrcMACMask = w.macOf(mask)
		}
		c.SrcMAC = w.macOf(value)
		return topology.NotSrcMAC, true
	case "dmac":
		value, mask, masked := strings.Cut(value, "/")
		if masked {
			c.DstMACMask = w.macOf(mask)
		}
		c.DstMAC = w.macOf(value)
		return topology.NotDstMAC, true
	case "src":
		c.Src = w.prefix(value)
		return topology.NotSrc, true
	case "dst":
		c.Dst = w.prefix(value)
		return topology.NotDst, true
	case "icmpsrc", "icmpdst":
		if c.ICMPData == nil {
			c.ICMPData = &topology.ICMPData{}
		}
		if name == "icmpsrc" {
			c.ICMPData.Src = w.prefix(value)
			return topology.NotICMPSrc, true
		}
		c.ICMPData.Dst = w.prefix(value)
		return topology.NotICMPDst, true
	case "sport":
		c.SrcPorts = w.portRange(value)
		return topology.NotSrcPorts, true
	case "dport":
		c.DstPorts = w.portRange(value)
		return topology.NotDstPorts, true
	}
	return 0, false
}

var fragmentPolicies = map[string]topology.FragmentPolicy{
	"none": topology.FragmentsNone, "header": topology.FragmentsHeader, "later": topology.FragmentsLater,
}

// place reads a condition on where the packet is and what it is part of.
func (w *words) place(c *topology.Condition, name, value string) (topology.ConditionField, bool) {
	switch name {
	case "srcgroup":
		c.SrcGroup = ID[topology.AddrGroup](value)
		return topology.NotSrcGroup, true
	case "dstgroup":
		c.DstGroup = ID[topology.AddrGroup](value)
		return topology.NotDstGroup, true
	case "in":
		c.InPorts = ports(value)
		return topology.NotInPorts, true
	case "out":
		c.OutPorts = ports(value)
		return topology.NotOutPorts, true
	case "group":
		c.PortGroup = ID[topology.PortGroup](value)
		return topology.NotPortGroup, true
	case "ingroup":
		c.InPortGroup = ID[topology.PortGroup](value)
		return topology.NotInPortGroup, true
	case "outgroup":
		c.OutPortGroup = ID[topology.PortGroup](value)
		return topology.NotOutPortGroup, true
	case "traversed":
		c.Traversed = ID[topology.Device](value)
		return topology.NotTraversed, true
	case "rewritten":
		c.DstRewritten = true
		return topology.NotDstRewritten, true
	case "forward":
		c.ForwardFlow = true
	case "returning":
		c.ReturnFlow = true
	case "fragments":
		c.Fragments = fragmentPolicies[value]
	case "notall":
		c.NotAll = true
	default:
		return 0, false
	}
	return 0, true
}

func ports(names string) []topology.PortID {
	var list []topology.PortID
	for name := range strings.SplitSeq(names, ",") {
		list = append(list, ID[topology.Port](name))
	}
	return list
}

// target reads ADDR, FIRST-LAST, and either with @PORT-PORT.
func (w *words) target(s string) topology.NATTarget {
	addrs, ports, _ := strings.Cut(s, "@")
	first, last, isRange := strings.Cut(addrs, "-")
	t := topology.NATTarget{First: w.addr(first)}
	if t.Last = t.First; isRange {
		t.Last = w.addr(last)
	}
	if ports != "" {
		r := w.portRange(ports)
		t.FirstPort, t.LastPort = r.First, r.Last
	}
	return t
}

func (w *words) portRange(s string) topology.PortRange {
	first, last, isRange := strings.Cut(s, "-")
	if !isRange {
		last = first
	}
	return topology.PortRange{First: uint16(w.number(first)), Last: uint16(w.number(last)), Set: true}
}

func (w *words) proto(name string) uint8 {
	switch name {
	case "tcp":
		return 6
	case "udp":
		return 17
	case "sctp":
		return 132
	case "icmp":
		return 1
	case "icmpv6":
		return 58
	case "proto":
		return 0
	}
	return uint8(w.number(name))
}

func (w *words) macOf(s string) mac.Addr {
	a, err := mac.Parse(s)
	w.fail(err)
	return a
}
