package topology

import (
	"strconv"

	"midonet.org/midonet/id"
)

// InboundChain, OutboundChain and AntiSpoofChain return the identifiers of the chains that a port's Security stands for.
func InboundChain(port PortID) ChainID { return id.Derive[Chain](port, "inbound") }

// OutboundChain is the one of what the workload is sent.
func OutboundChain(port PortID) ChainID { return id.Derive[Chain](port, "outbound") }

// AntiSpoofChain is the one of what the workload may send from.
func AntiSpoofChain(port PortID) ChainID { return id.Derive[Chain](port, "anti-spoof") }

// Chains returns the chains that the port's Security stands for, with the names, rules and order of the original (PortTranslator.scala):
// OS_PORT_<id>_INBOUND, _OUTBOUND and _ANTI_SPOOF. None where everything passes. They are for people: nobody stores or walks them, and the
// rules that Neutron has for every port, which let IPv6 work on a link and keep workloads from being routers, are not among them.
func (p *Port) Chains() []*Chain {
	if p.Security == nil {
		return nil
	}
	in, out, spoof := p.chain(InboundChain(p.ID), "INBOUND"), p.chain(OutboundChain(p.ID), "OUTBOUND"), p.chain(AntiSpoofChain(p.ID), "ANTI_SPOOF")
	in.append(ActionJump, Condition{}, spoof.ID)
	p.Security.fill(in, p.Security.Egress)
	p.Security.fill(out, p.Security.Ingress)

	dhcp := Condition{SrcPorts: PortRange{68, 68, true}, DstPorts: PortRange{67, 67, true}}
	spoof.append(ActionReturn, dhcp, ChainID{})
	for _, s := range p.Security.Sources {
		if s.Prefix.Addr().Is4() {
			spoof.append(ActionReturn, Condition{EtherType: etherTypeARP, Src: s.Prefix}, ChainID{})
		}
		spoof.append(ActionReturn, Condition{Src: s.Prefix, SrcMAC: s.MAC}, ChainID{})
	}
	spoof.append(ActionDrop, Condition{}, ChainID{})
	return []*Chain{in, out, spoof}
}

// etherTypeARP is the EtherType of ARP (IEEE 802 numbers).
const etherTypeARP = 0x0806

func (p *Port) chain(id ChainID, what string) *Chain {
	return &Chain{ID: id, Name: "OS_PORT_" + p.ID.String() + "_" + what, ProjectID: p.ProjectID}
}

// fill adds what one direction asks: whether the packet is an answer, and then the groups' chains. What none of them accepts is dropped.
func (s *Security) fill(c *Chain, groups []ChainID) {
	if s.Stateful {
		c.append(ActionAccept, Condition{ReturnFlow: true}, ChainID{})
	}
	for _, g := range groups {
		c.append(ActionJump, Condition{}, g)
	}
	c.append(ActionDrop, Condition{EtherType: etherTypeARP, Not: NotEtherType}, ChainID{})
}

// append adds a rule, whose identifier follows from its place.
func (c *Chain) append(action RuleAction, when Condition, jump ChainID) {
	c.Rules = append(c.Rules, Rule{ID: id.Derive[Rule](c.ID, strconv.Itoa(len(c.Rules))), When: when, Action: action, Jump: jump})
}
