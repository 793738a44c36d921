package topology

import (
	"net/netip"

	"midonet.org/midonet/id"
	"midonet.org/midonet/mac"
)

// Security is what Neutron's port security and security groups ask of one port.
//
// What the workload sends must come from one of Sources (Ethernet address and, in IP, ARP and ND, the network address), and then be
// an answer to what was let in, or be accepted by one of the Egress chains. What it is sent must be an answer to what it sent, or be
// accepted by one of the Ingress chains. DHCP requests and what IPv6 needs to work at all (RFC 4861, RFC 2710; the list is in
// neutron/agent/linux/openvswitch_firewall) pass. It stands for the original's chains OS_PORT_<id>_INBOUND, _OUTBOUND and
// _ANTI_SPOOF, which the MidoNet API shows in its place (Port.Chains).
type Security struct {
	Sources []AddressPair // fixed addresses first, then allowed address pairs, as Neutron has them
	// Egress and Ingress are the chains of the port's security groups, in order of group. None: nothing is accepted.
	Egress, Ingress []ChainID
	// Stateful is whether answers pass without a rule of their own: one of the groups is stateful.
	Stateful bool
}

// AddressPair is a source that a workload may use.
type AddressPair struct {
	MAC    mac.Addr
	Prefix netip.Prefix
}

// Chain is an ordered list of rules. The first rule that matches and decides, decides; at the end of a chain its caller goes on, and
// at the end of all the packet is accepted (the original's Chain.scala).
type Chain struct {
	Made
	ID        ChainID
	Name      string
	ProjectID string
	Rules     []Rule
}

// Rule does Action to a packet that meets When.
type Rule struct {
	ID     RuleID
	When   Condition
	Action RuleAction
	Jump   ChainID // of ActionJump
	// Targets are of ActionDNAT and ActionSNAT: one of them, and one of its addresses and ports, is chosen for each connection.
	Targets []NATTarget
	// After is what follows where a rule has translated: ActionAccept, ActionContinue or ActionReturn.
	After RuleAction
	// Kept is what an operator's rule says that no part of this MidoNet obeys; nil: nothing.
	Kept *KeptRule
}

// KeptRule is what is only kept of an operator's rule. One that is to do nothing but what is kept is an ActionContinue.
type KeptRule struct {
	Meter     string       // by which the packets of the rule are counted; empty: none
	Trace     *TraceRule   // nil: the rule is of another kind
	Transform *L2Transform // likewise
}

// TraceRule asks for what the packets meet to be told (the original's TraceRule.java).
type TraceRule struct {
	Request TraceRequestID
	Limit   int64 // of packets
}

// L2Transform changes the VLAN tag of the packets and lets them pass, or out of another port (the original's L2TransformRule.java).
type L2Transform struct {
	Redirect bool // to Target; else they pass
	PopVLAN  bool
	PushVLAN uint16 // 0: none
	Target   PortID // zero: none
	Ingress  bool   // they enter at Target, rather than leave by it
	FailOpen bool   // where Target is not active they pass as if the rule were not there
}

// RuleAction is what a rule does.
type RuleAction uint8

// The actions. The translating ones pass on what they do not apply to (other protocols, no entry); then the next rule is next.
const (
	ActionAccept      RuleAction = 1 // leaves all chains
	ActionDrop        RuleAction = 2
	ActionReject      RuleAction = 3 // drops, and a router or its port says so with ICMP "administratively prohibited"
	ActionReturn      RuleAction = 4 // leaves this chain
	ActionContinue    RuleAction = 5 // nothing: a counter or a logger may hang on it
	ActionJump        RuleAction = 6
	ActionDNAT        RuleAction = 7  // of a connection's first packets, by Targets
	ActionSNAT        RuleAction = 8  // likewise
	ActionReverseDNAT RuleAction = 9  // of answers to what ActionDNAT or ActionForwarding changed
	ActionReverseSNAT RuleAction = 10 // of answers to what ActionSNAT changed
	// Those below look the packet's address up among the router's FloatingIPs and PortForwardings, where the original has a rule
	// for each; so a router with a thousand of them is as fast as one with one.
	ActionFloatDNAT      RuleAction = 11 // destination: floating → fixed
	ActionFloatSNATExact RuleAction = 12 // source: fixed → floating, of a packet that leaves by the floating address's own port
	ActionFloatSNAT      RuleAction = 13 // source: fixed → floating, whatever port it leaves by
	ActionForwarding     RuleAction = 14 // destination: by PortForwardings; answers are reversed by ActionReverseDNAT
)

// Condition is met where all that it names holds; the zero Condition is met by every packet. Names are the original's (midonet
// Condition.scala).
type Condition struct {
	EtherType      uint16 // 0: any
	NoVLAN         bool   // the frame has no 802.1Q tag
	VLAN           uint16 // of its outermost tag; 0: any, and none
	SrcMAC, DstMAC mac.Addr
	// SrcMACMask and DstMACMask have the bits of an address that count; zero: all.
	SrcMACMask, DstMACMask mac.Addr
	TOS                    uint8 // IPv4 TOS or IPv6 traffic class
	MatchTOS               bool  // TOS counts
	Proto                  uint8
	MatchProto             bool         // Proto counts; 0 is a protocol too (IPv6 hop-by-hop)
	Src, Dst               netip.Prefix // the zero Prefix: any
	SrcGroup               AddrGroupID
	DstGroup               AddrGroupID
	SrcPorts               PortRange // of ICMP: type
	DstPorts               PortRange // of ICMP: code
	Fragments              FragmentPolicy
	InPorts                []PortID // of the device, where the packet came in; none: any
	OutPorts               []PortID
	// PortGroup has the port where the packet entered the virtual network, InPortGroup and OutPortGroup those where it enters and
	// leaves the device.
	PortGroup, InPortGroup, OutPortGroup PortGroupID
	Traversed                            DeviceID // a bridge or router that the packet has entered, the present one included
	ForwardFlow                          bool     // the connection's first direction
	ReturnFlow                           bool     // the other one
	DstRewritten                         bool     // the destination has been translated since the packet entered the device
	ICMPData                             *ICMPData
	// Not has the fields whose sense is inverted, and NotAll inverts the whole but for Fragments.
	Not    ConditionField
	NotAll bool
}

// ICMPData is met by an ICMP error that quotes a packet between the addresses, as it was where the error entered the virtual network.
type ICMPData struct {
	Src, Dst netip.Prefix // of the quoted packet; the zero Prefix: any, and none at all
}

// ConditionField is a set of fields of a Condition.
type ConditionField uint32

// The fields that can be inverted.
const (
	NotEtherType ConditionField = 1 << iota
	NotSrcMAC
	NotDstMAC
	NotProto
	NotSrc
	NotDst
	NotSrcGroup
	NotDstGroup
	NotSrcPorts
	NotDstPorts
	NotInPorts
	NotOutPorts
	NotDstRewritten
	NotTOS
	NotPortGroup
	NotInPortGroup
	NotOutPortGroup
	NotTraversed
	NotICMPSrc // of ICMPData
	NotICMPDst
)

// FragmentPolicy is which parts of fragmented packets a condition can be met by (the original's fragmentPolicy). A packet that is no
// fragment meets every policy but FragmentsLater.
type FragmentPolicy uint8

// The policies. The zero value is the one that nearly all rules have.
const (
	FragmentsAny    FragmentPolicy = 0
	FragmentsNone   FragmentPolicy = 1 // whole packets
	FragmentsHeader FragmentPolicy = 2 // whole packets and first fragments: what has a transport header
	FragmentsLater  FragmentPolicy = 3 // what has none
)

// PortRange is an inclusive range of transport ports; Set distinguishes 0-0 from none.
type PortRange struct {
	First, Last uint16
	Set         bool
}

// Contains reports whether the range is set and p is in it.
func (r PortRange) Contains(p uint16) bool { return r.Set && r.First <= p && p <= r.Last }

// NATTarget is a range of addresses and of ports to translate to. FirstPort 0 keeps the port.
type NATTarget struct {
	First, Last         netip.Addr
	FirstPort, LastPort uint16
}

// AddrGroup is a set of addresses that conditions name: the members of a Neutron security group, or an address group.
type AddrGroup struct {
	Made
	ID        AddrGroupID
	Name      string
	ProjectID string
}

// GroupMember is one address or prefix of an AddrGroup. It is an object of its own, so that a group of any size changes in small
// steps, and a change touches only the flows of that address.
type GroupMember struct {
	Made
	ID     GroupMemberID
	Group  AddrGroupID
	Prefix netip.Prefix
	Port   PortID // whose address it is; zero: of an address group
}

// NewGroupMember returns the member with its derived identifier: one for each group, port and prefix.
func NewGroupMember(group AddrGroupID, prefix netip.Prefix, port PortID) *GroupMember {
	return &GroupMember{ID: id.Derive[GroupMember](group, port.String()+" "+prefix.String()), Group: group, Prefix: prefix, Port: port}
}

// PortGroup is a set of ports, which name it themselves. The members of a stateful one (the uplinks of a router) see each other's
// connection state, because answers may come in at another member.
type PortGroup struct {
	Made
	ID        PortGroupID
	Name      string
	ProjectID string
	Stateful  bool
}

// IngressChain and EgressChain return the identifiers of a security group's chains, which follow from the group's.
func IngressChain(group AddrGroupID) ChainID { return id.Derive[Chain](group, "ingress") }

// EgressChain returns the identifier of the chain for what members send.
func EgressChain(group AddrGroupID) ChainID { return id.Derive[Chain](group, "egress") }

// Key returns the chain's key.
func (o *Chain) Key() Key { return Key{KindChain, o.ID} }

// Key returns the key of the address group.
func (o *AddrGroup) Key() Key { return Key{KindAddrGroup, o.ID} }

// Key returns the member's key.
func (o *GroupMember) Key() Key { return Key{KindGroupMember, o.ID} }

// Key returns the key of the port group.
func (o *PortGroup) Key() Key { return Key{KindPortGroup, o.ID} }
