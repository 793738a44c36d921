package inspect

import (
	"fmt"
	"net/netip"
	"strings"

	"midonet.org/midonet/topology"
)

var actionNames = map[topology.RuleAction]string{
	topology.ActionAccept: "accept", topology.ActionDrop: "drop", topology.ActionReject: "reject", topology.ActionReturn: "return",
	topology.ActionContinue: "continue", topology.ActionJump: "jump", topology.ActionDNAT: "dnat", topology.ActionSNAT: "snat",
	topology.ActionReverseDNAT: "reverse dnat", topology.ActionReverseSNAT: "reverse snat", topology.ActionFloatDNAT: "floating dnat",
	topology.ActionFloatSNATExact: "floating snat, own port", topology.ActionFloatSNAT: "floating snat",
	topology.ActionForwarding: "forwarding",
}

var protocolNames = map[uint8]string{1: "icmp", 6: "tcp", 17: "udp", 58: "icmpv6", 132: "sctp"}

var fragmentNames = map[topology.FragmentPolicy]string{
	topology.FragmentsNone: "unfragmented", topology.FragmentsHeader: "with header", topology.FragmentsLater: "later fragments",
}

// actionText says what a rule does, and what follows a translation.
func (m *model) actionText(r topology.Rule) string {
	text := actionNames[r.Action]
	if r.Action == topology.ActionJump {
		text += " " + nameOr(m.chainName[r.Jump], r.Jump.Short())
	}
	for _, t := range r.Targets {
		text += " to " + targetText(t)
	}
	if r.After != 0 && r.After != topology.ActionContinue {
		text += ", then " + actionNames[r.After]
	}
	return text
}

func targetText(t topology.NATTarget) string {
	text := t.First.String()
	if t.Last != t.First {
		text += "-" + t.Last.String()
	}
	if t.FirstPort != 0 {
		text += " ports " + rangeText(topology.PortRange{First: t.FirstPort, Last: t.LastPort, Set: true})
	}
	return text
}

// conditionText says what a rule's packets have in common, "all" where there is nothing.
func (m *model) conditionText(c topology.Condition) string {
	t := conditionWords{not: c.Not}
	if c.NotAll {
		t.words = append(t.words, "unless")
	}
	t.add(c.EtherType != 0, topology.NotEtherType, "", etherTypeText(c.EtherType))
	t.add(c.NoVLAN, 0, "", "without a VLAN")
	t.add(c.VLAN != 0, 0, "vlan ", c.VLAN)
	t.add(c.MatchTOS, topology.NotTOS, "tos ", c.TOS)
	t.add(c.MatchProto, topology.NotProto, "", protocolName(c.Proto))
	t.add(!c.SrcMAC.IsZero(), topology.NotSrcMAC, "from ", c.SrcMAC)
	t.add(c.Src.IsValid(), topology.NotSrc, "from ", prefixText(c.Src))
	t.add(!c.SrcGroup.IsZero(), topology.NotSrcGroup, "from group ", nameOr(m.groupName[c.SrcGroup], c.SrcGroup.Short()))
	t.add(c.SrcPorts.Set, topology.NotSrcPorts, sourceWord(c), rangeText(c.SrcPorts))
	t.add(!c.DstMAC.IsZero(), topology.NotDstMAC, "to ", c.DstMAC)
	t.add(c.Dst.IsValid(), topology.NotDst, "to ", prefixText(c.Dst))
	t.add(!c.DstGroup.IsZero(), topology.NotDstGroup, "to group ", nameOr(m.groupName[c.DstGroup], c.DstGroup.Short()))
	t.add(c.DstPorts.Set, topology.NotDstPorts, destinationWord(c), rangeText(c.DstPorts))
	if i := c.ICMPData; i != nil {
		t.add(i.Src.IsValid(), topology.NotICMPSrc, "about what is from ", prefixText(i.Src))
		t.add(i.Dst.IsValid(), topology.NotICMPDst, "about what is to ", prefixText(i.Dst))
	}
	t.add(len(c.InPorts) > 0, topology.NotInPorts, "in by ", m.portNames(c.InPorts))
	t.add(len(c.OutPorts) > 0, topology.NotOutPorts, "out by ", m.portNames(c.OutPorts))
	t.add(!c.PortGroup.IsZero(), topology.NotPortGroup, "from port group ", nameOr(m.portGroup[c.PortGroup], c.PortGroup.Short()))
	t.add(!c.InPortGroup.IsZero(), topology.NotInPortGroup, "in by port group ", nameOr(m.portGroup[c.InPortGroup], c.InPortGroup.Short()))
	t.add(!c.OutPortGroup.IsZero(), topology.NotOutPortGroup, "out by port group ", nameOr(m.portGroup[c.OutPortGroup], c.OutPortGroup.Short()))
	t.add(!c.Traversed.IsZero(), topology.NotTraversed, "through ", c.Traversed.Short())
	t.add(c.DstRewritten, topology.NotDstRewritten, "", "destination rewritten")
	t.add(c.ForwardFlow, 0, "", "first direction")
	t.add(c.ReturnFlow, 0, "", "answers")
	t.add(c.Fragments != topology.FragmentsAny, 0, "", fragmentNames[c.Fragments])
	if len(t.words) == 0 {
		return "all"
	}
	return strings.Join(t.words, " ")
}

// conditionWords collects the words for the fields of a condition that are set.
type conditionWords struct {
	not   topology.ConditionField
	words []string
}

// add adds the words for a field, if it is set; field is its bit among those that may be inverted.
func (t *conditionWords) add(set bool, field topology.ConditionField, word string, value any) {
	if !set {
		return
	}
	if t.not&field != 0 {
		word = "not " + word
	}
	t.words = append(t.words, word+fmt.Sprint(value))
}

// sourceWord and destinationWord name what the port ranges of a condition are of: ICMP has a type and a code there.
func sourceWord(c topology.Condition) string {
	if isICMP(c) {
		return "type "
	}
	return "source port "
}

func destinationWord(c topology.Condition) string {
	if isICMP(c) {
		return "code "
	}
	return "port "
}

func isICMP(c topology.Condition) bool { return c.MatchProto && (c.Proto == 1 || c.Proto == 58) }

func (m *model) portNames(ports []topology.PortID) string {
	names := make([]string, len(ports))
	for i, p := range ports {
		names[i] = p.Short()
		if known := m.port[p]; known != nil {
			names[i] = nameOr(known.Name, names[i])
		}
	}
	return strings.Join(names, ", ")
}

func protocolName(p uint8) string {
	if name, ok := protocolNames[p]; ok {
		return name
	}
	return fmt.Sprintf("protocol %d", p)
}

func etherTypeText(t uint16) string {
	switch t {
	case 0x0800:
		return "IPv4"
	case 0x86dd:
		return "IPv6"
	}
	return fmt.Sprintf("ethertype 0x%04x", t)
}

// prefixText writes the prefix of a single address as the address.
func prefixText(p netip.Prefix) string {
	if p.IsSingleIP() {
		return p.Addr().String()
	}
	return p.String()
}

func rangeText(r topology.PortRange) string {
	if r.First == r.Last {
		return fmt.Sprint(r.First)
	}
	return fmt.Sprintf("%d-%d", r.First, r.Last)
}
