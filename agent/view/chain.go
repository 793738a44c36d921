package view

import "midonet.org/midonet/topology"

// Chain is a chain, with what is found out about its rules once and not for each packet.
type Chain struct {
	*topology.Chain
	Looks []Looks // of each rule's condition
}

// Looks is which parts of what can be known of a packet a condition depends on. Most conditions have one or two fields, and there are
// thirty.
type Looks uint8

// The parts. Fragments counts for every condition.
const (
	LooksAtHeader Looks = 1 << iota // what a flow's key has
	LooksAtPlace                    // where the packet is, and what its addresses and its connection belong to
	LooksAtQuote                    // the packet that an ICMP error is about
)

func newChain(c *topology.Chain) *Chain {
	looks := make([]Looks, len(c.Rules))
	for i := range c.Rules {
		looks[i] = looksOf(&c.Rules[i].When)
	}
	return &Chain{Chain: c, Looks: looks}
}

func looksOf(c *topology.Condition) (l Looks) {
	if c.EtherType != 0 || c.NoVLAN || c.VLAN != 0 || c.MatchTOS || c.MatchProto || !c.SrcMAC.IsZero() || !c.DstMAC.IsZero() ||
		c.Src.IsValid() || c.Dst.IsValid() || c.SrcPorts.Set || c.DstPorts.Set {
		l |= LooksAtHeader
	}
	if len(c.InPorts) > 0 || len(c.OutPorts) > 0 || c.DstRewritten || !c.SrcGroup.IsZero() || !c.DstGroup.IsZero() ||
		!c.PortGroup.IsZero() || !c.InPortGroup.IsZero() || !c.OutPortGroup.IsZero() || !c.Traversed.IsZero() || c.ForwardFlow || c.ReturnFlow {
		l |= LooksAtPlace
	}
	if c.ICMPData != nil {
		l |= LooksAtQuote
	}
	return l
}
