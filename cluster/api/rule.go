package api

import (
	"encoding/json"
	"fmt"
	"net/netip"
	"strconv"
	"strings"

	"midonet.org/midonet/cluster/operator"
	"midonet.org/midonet/errs"
	"midonet.org/midonet/mac"
	"midonet.org/midonet/topology"
)

var (
	mediaRuleV2  = []string{"application/vnd.org.midonet.Rule-v2+json", mediaJSON}
	mediaRulesV2 = []string{"application/vnd.org.midonet.collection.Rule-v2+json", mediaJSON}
)

// rule is models/Rule.java and its kinds, with models/Condition.java in it. It is read and shown; links and identifiers of what holds the
// rule are for showing alone.
type rule struct {
	ID       *topology.RuleID  `json:"id"`
	ChainID  *topology.ChainID `json:"chainId"`
	Type     string            `json:"type"`
	Position *int              `json:"position"`
	Meter    *string           `json:"meterName"`
	URI      string            `json:"uri"`
	condition
	// Of jumps.
	JumpChainID   *topology.ChainID `json:"jumpChainId,omitempty"`
	JumpChainName *string           `json:"jumpChainName,omitempty"`
	// Of translations.
	FlowAction *string     `json:"flowAction,omitempty"`
	NATTargets []natTarget `json:"natTargets,omitempty"`
	*traceFields
	*transformFields
}

// traceFields are what models/TraceRule.java has beside a rule.
type traceFields struct {
	RequestID *topology.TraceRequestID `json:"requestId"`
	Limit     int64                    `json:"limit"`
}

// transformFields are what models/L2TransformRule.java has beside a rule and its flowAction.
type transformFields struct {
	PopVLAN      bool             `json:"popVlan"`
	PushVLAN     int              `json:"pushVlan"`
	TargetPortID *topology.PortID `json:"targetPortId"`
	Ingress      bool             `json:"ingress"`
	FailOpen     bool             `json:"failOpen"`
}

// writtenRule is a rule as it is read, of whatever kind.
type writtenRule struct {
	rule
	traceFields
	transformFields
}

// condition is models/Condition.java.
type condition struct {
	CondInvert          bool                  `json:"condInvert"`
	MatchForwardFlow    bool                  `json:"matchForwardFlow"`
	MatchReturnFlow     bool                  `json:"matchReturnFlow"`
	InPorts             []topology.PortID     `json:"inPorts"`
	InvInPorts          bool                  `json:"invInPorts"`
	OutPorts            []topology.PortID     `json:"outPorts"`
	InvOutPorts         bool                  `json:"invOutPorts"`
	PortGroup           *topology.PortGroupID `json:"portGroup"`
	InvPortGroup        bool                  `json:"invPortGroup"`
	InPortGroup         *topology.PortGroupID `json:"inPortGroup"`
	InvInPortGroup      bool                  `json:"invInPortGroup"`
	OutPortGroup        *topology.PortGroupID `json:"outPortGroup"`
	InvOutPortGroup     bool                  `json:"invOutPortGroup"`
	IPAddrGroupSrc      *topology.AddrGroupID `json:"ipAddrGroupSrc"`
	InvIPAddrGroupSrc   bool                  `json:"invIpAddrGroupSrc"`
	IPAddrGroupDst      *topology.AddrGroupID `json:"ipAddrGroupDst"`
	InvIPAddrGroupDst   bool                  `json:"invIpAddrGroupDst"`
	TraversedDevice     *topology.DeviceID    `json:"traversedDevice"`
	InvTraversedDevice  bool                  `json:"invTraversedDevice"`
	NoVLAN              bool                  `json:"noVlan"`
	VLAN                *int                  `json:"vlan"`
	DLType              *int                  `json:"dlType"`
	InvDLType           bool                  `json:"invDlType"`
	DLSrc               *string               `json:"dlSrc"`
	DLSrcMask           *string               `json:"dlSrcMask"`
	InvDLSrc            bool                  `json:"invDlSrc"`
	DLDst               *string               `json:"dlDst"`
	DLDstMask           *string               `json:"dlDstMask"`
	InvDLDst            bool                  `json:"invDlDst"`
	NwTOS               *int                  `json:"nwTos"`
	InvNwTOS            bool                  `json:"invNwTos"`
	NwProto             *int                  `json:"nwProto"`
	InvNwProto          bool                  `json:"invNwProto"`
	NwSrcAddress        *string               `json:"nwSrcAddress"`
	NwSrcLength         json.Number           `json:"nwSrcLength"`
	InvNwSrc            bool                  `json:"invNwSrc"`
	NwDstAddress        *string               `json:"nwDstAddress"`
	NwDstLength         json.Number           `json:"nwDstLength"`
	InvNwDst            bool                  `json:"invNwDst"`
	MatchNwDstRewritten bool                  `json:"matchNwDstRewritten"`
	FragmentPolicy      *string               `json:"fragmentPolicy"`
	TpSrc               *portRange            `json:"tpSrc"`
	InvTpSrc            bool                  `json:"invTpSrc"`
	TpDst               *portRange            `json:"tpDst"`
	InvTpDst            bool                  `json:"invTpDst"`
	ICMPDataSrcAddress  *string               `json:"icmpDataSrcIpAddress"`
	ICMPDataSrcLength   json.Number           `json:"icmpDataSrcIpLength"`
	InvICMPDataSrc      bool                  `json:"invIcmpDataSrcIp"`
	ICMPDataDstAddress  *string               `json:"icmpDataDstIpAddress"`
	ICMPDataDstLength   json.Number           `json:"icmpDataDstIpLength"`
	InvICMPDataDst      bool                  `json:"invIcmpDataDstIp"`
}

// portRange is a Range of the original; an end that is not given has no bound.
type portRange struct {
	Start *int `json:"start"`
	End   *int `json:"end"`
}

// natTarget is ForwardNatRule.NatTarget.
type natTarget struct {
	AddressFrom *string `json:"addressFrom"`
	AddressTo   *string `json:"addressTo"`
	PortFrom    int     `json:"portFrom"`
	PortTo      int     `json:"portTo"`
}

// The types of rules that are only kept.
const (
	typeTrace     = "trace"
	typeTransform = "l2_transform"
)

// transformActions are what follows a rule of type l2_transform, which either redirects or not.
var transformActions = map[string]bool{"accept": false, "redirect": true}

// maxMeter is how long the name of a meter may be, in characters.
const maxMeter = 255

// ruleTypes are the names of the actions, and flowActions of what follows a translation. The actions that look an address up among the
// router's are shown as the translations that they do, without targets.
var (
	ruleTypes = map[topology.RuleAction]string{
		topology.ActionAccept: "accept", topology.ActionDrop: "drop", topology.ActionReject: "reject", topology.ActionReturn: "return",
		topology.ActionContinue: "continue", topology.ActionJump: "jump", topology.ActionDNAT: "dnat", topology.ActionSNAT: "snat",
		topology.ActionReverseDNAT: "rev_dnat", topology.ActionReverseSNAT: "rev_snat", topology.ActionFloatDNAT: "dnat",
		topology.ActionFloatSNATExact: "snat", topology.ActionFloatSNAT: "snat", topology.ActionForwarding: "dnat",
	}
	readableTypes = map[string]topology.RuleAction{
		"accept": topology.ActionAccept, "drop": topology.ActionDrop, "reject": topology.ActionReject, "return": topology.ActionReturn,
		"jump": topology.ActionJump, "dnat": topology.ActionDNAT, "snat": topology.ActionSNAT, "rev_dnat": topology.ActionReverseDNAT,
		"rev_snat": topology.ActionReverseSNAT, typeTrace: topology.ActionContinue, typeTransform: topology.ActionContinue,
	}
	flowActions = map[string]topology.RuleAction{
		"accept": topology.ActionAccept, "continue": topology.ActionContinue, "return": topology.ActionReturn,
	}
	fragmentPolicies = map[string]topology.FragmentPolicy{
		"any": topology.FragmentsAny, "unfragmented": topology.FragmentsNone, "header": topology.FragmentsHeader, "nonheader": topology.FragmentsLater,
	}
)

func (c *call) ruleURI(r topology.RuleID) string { return c.base + "/rules/" + r.String() }

// showRule shows the rule of the chain at the index.
func (c *call) showRule(in *topology.Chain, index int) rule {
	r := &in.Rules[index]
	shown := rule{ID: &r.ID, ChainID: &in.ID, Type: ruleTypes[r.Action], Position: new(index + 1), URI: c.ruleURI(r.ID), condition: showCondition(&r.When)}
	if r.Kept != nil {
		shown.showKept(r.Kept)
	}
	switch {
	case r.Action == topology.ActionJump:
		shown.JumpChainID = &r.Jump
		if to := operator.FindChain(c.state, r.Jump); to != nil {
			shown.JumpChainName = present(to.Name)
		}
	case r.Action >= topology.ActionDNAT:
		shown.FlowAction = present(ruleTypes[r.After])
		for _, t := range r.Targets {
			shown.NATTargets = append(shown.NATTargets, natTarget{present(t.First.String()), present(t.Last.String()), int(t.FirstPort), int(t.LastPort)})
		}
	}
	return shown
}

func (shown *rule) showKept(k *topology.KeptRule) {
	shown.Meter = present(k.Meter)
	if t := k.Trace; t != nil {
		shown.Type, shown.traceFields = typeTrace, &traceFields{present(t.Request), t.Limit}
	}
	if t := k.Transform; t != nil {
		shown.Type = typeTransform
		shown.transformFields = &transformFields{t.PopVLAN, int(t.PushVLAN), present(t.Target), t.Ingress, t.FailOpen}
		for name, redirects := range transformActions {
			if redirects == t.Redirect {
				shown.FlowAction = &name
			}
		}
	}
}

func showCondition(w *topology.Condition) condition {
	not := func(f topology.ConditionField) bool { return w.Not&f != 0 }
	shown := condition{
		CondInvert: w.NotAll, MatchForwardFlow: w.ForwardFlow, MatchReturnFlow: w.ReturnFlow, MatchNwDstRewritten: w.DstRewritten,
		InPorts: w.InPorts, InvInPorts: not(topology.NotInPorts), OutPorts: w.OutPorts, InvOutPorts: not(topology.NotOutPorts),
		PortGroup: present(w.PortGroup), InvPortGroup: not(topology.NotPortGroup),
		InPortGroup: present(w.InPortGroup), InvInPortGroup: not(topology.NotInPortGroup),
		OutPortGroup: present(w.OutPortGroup), InvOutPortGroup: not(topology.NotOutPortGroup),
		IPAddrGroupSrc: present(w.SrcGroup), InvIPAddrGroupSrc: not(topology.NotSrcGroup),
		IPAddrGroupDst: present(w.DstGroup), InvIPAddrGroupDst: not(topology.NotDstGroup),
		TraversedDevice: present(w.Traversed), InvTraversedDevice: not(topology.NotTraversed),
		NoVLAN: w.NoVLAN, VLAN: present(int(w.VLAN)), DLType: present(int(w.EtherType)), InvDLType: not(topology.NotEtherType),
		DLSrcMask: showMask(w.SrcMACMask), InvDLSrc: not(topology.NotSrcMAC), DLDstMask: showMask(w.DstMACMask), InvDLDst: not(topology.NotDstMAC),
		InvNwTOS: not(topology.NotTOS), InvNwProto: not(topology.NotProto), InvNwSrc: not(topology.NotSrc), InvNwDst: not(topology.NotDst),
		NwSrcLength: "0", NwDstLength: "0", ICMPDataSrcLength: "0", ICMPDataDstLength: "0",
		InvICMPDataSrc: not(topology.NotICMPSrc), InvICMPDataDst: not(topology.NotICMPDst), TpSrc: showPorts(w.SrcPorts), InvTpSrc: not(topology.NotSrcPorts),
		TpDst: showPorts(w.DstPorts), InvTpDst: not(topology.NotDstPorts),
	}
	if !w.SrcMAC.IsZero() {
		shown.DLSrc = present(w.SrcMAC.String())
	}
	if !w.DstMAC.IsZero() {
		shown.DLDst = present(w.DstMAC.String())
	}
	if w.MatchTOS {
		shown.NwTOS = new(int(w.TOS))
	}
	if w.MatchProto {
		shown.NwProto = new(int(w.Proto))
	}
	showPrefix(w.Src, &shown.NwSrcAddress, &shown.NwSrcLength)
	showPrefix(w.Dst, &shown.NwDstAddress, &shown.NwDstLength)
	if i := w.ICMPData; i != nil {
		showPrefix(i.Src, &shown.ICMPDataSrcAddress, &shown.ICMPDataSrcLength)
		showPrefix(i.Dst, &shown.ICMPDataDstAddress, &shown.ICMPDataDstLength)
	}
	for name, policy := range fragmentPolicies {
		if policy == w.Fragments {
			shown.FragmentPolicy = present(name)
		}
	}
	return shown
}

// showPrefix writes a prefix that is one to its two properties.
func showPrefix(p netip.Prefix, address **string, length *json.Number) {
	if p.IsValid() {
		*address, *length = present(p.Addr().String()), json.Number(strconv.Itoa(p.Bits()))
	}
}

func showPorts(r topology.PortRange) *portRange {
	if !r.Set {
		return nil
	}
	return &portRange{new(int(r.First)), new(int(r.Last))}
}

// showMask writes a mask as MAC.maskToString does, null for the one that has all bits.
func showMask(m mac.Addr) *string {
	if m.IsZero() {
		return nil
	}
	return present(fmt.Sprintf("%02x%02x.%02x%02x.%02x%02x", m[0], m[1], m[2], m[3], m[4], m[5]))
}

// readRule reads the body: a rule, and its position in the chain, 1 where none is given.
func (c *call) readRule() (position int, r topology.Rule, err error) {
	var body writtenRule
	if err = c.decode(&body); err != nil {
		return 0, r, err
	}
	action, ok := readableTypes[body.Type]
	if !ok {
		return 0, r, errs.New(errs.Invalid, "BadRuleType", "Rules of type %q are not supported.", body.Type)
	}
	var v violations
	r = topology.Rule{ID: chosen(body.ID), Action: action, When: body.read(&v)}
	position = 1
	if body.Position != nil && *body.Position != 0 {
		position = *body.Position
	}
	v.add(position < 1, "position", "must be greater than or equal to 1")
	r.Kept = body.readKept(&v)
	switch {
	case action == topology.ActionJump:
		r.Jump = given(body.JumpChainID)
		v.add(r.Jump.IsZero(), "jumpChainId", "may not be null")
	case action >= topology.ActionDNAT:
		if r.After, ok = flowActions[given(body.FlowAction)]; !ok {
			v.add(true, "flowAction", `must match "accept|continue|return"`)
		}
		if action == topology.ActionDNAT || action == topology.ActionSNAT {
			r.Targets = v.targets(action, body.NATTargets)
		}
	}
	if err = v.err(); err == nil {
		r.When.Fragments, err = body.fragments(&r)
	}
	return position, r, err
}

// readKept reads what of a rule is only kept.
func (b *writtenRule) readKept(v *violations) *topology.KeptRule {
	v.size("meterName", given(b.Meter), 0, maxMeter)
	k := topology.KeptRule{Meter: given(b.Meter)}
	switch b.Type {
	case typeTrace:
		k.Trace = &topology.TraceRule{Request: required(v, "requestId", b.RequestID), Limit: b.traceFields.Limit}
	case typeTransform:
		redirects, ok := transformActions[given(b.FlowAction)]
		v.add(!ok, "flowAction", `must match "accept|redirect"`)
		k.Transform = &topology.L2Transform{Redirect: redirects, PopVLAN: b.PopVLAN, PushVLAN: uint16(v.within("pushVlan", &b.PushVLAN, 0, 0xffff)),
			Target: given(b.TargetPortID), Ingress: b.Ingress, FailOpen: b.FailOpen}
	}
	if k == (topology.KeptRule{}) {
		return nil
	}
	return &k
}

// read reads the condition, but for the fragment policy.
func (b *condition) read(v *violations) topology.Condition {
	w := topology.Condition{
		NotAll: b.CondInvert, ForwardFlow: b.MatchForwardFlow, ReturnFlow: b.MatchReturnFlow, DstRewritten: b.MatchNwDstRewritten,
		InPorts: b.InPorts, OutPorts: b.OutPorts, PortGroup: given(b.PortGroup), InPortGroup: given(b.InPortGroup),
		OutPortGroup: given(b.OutPortGroup), SrcGroup: given(b.IPAddrGroupSrc), DstGroup: given(b.IPAddrGroupDst),
		Traversed: given(b.TraversedDevice), NoVLAN: b.NoVLAN, Not: b.inverted(),
		VLAN: uint16(v.within("vlan", b.VLAN, 0, 4094)), EtherType: uint16(v.within("dlType", b.DLType, 0x0600, 0xffff)),
		TOS: uint8(v.within("nwTos", b.NwTOS, 0, 255)), MatchTOS: b.NwTOS != nil,
		Proto: uint8(v.within("nwProto", b.NwProto, 0, 255)), MatchProto: b.NwProto != nil,
		SrcMAC: v.mac("dlSrc", b.DLSrc), SrcMACMask: v.mask("dlSrcMask", b.DLSrcMask),
		DstMAC: v.mac("dlDst", b.DLDst), DstMACMask: v.mask("dlDstMask", b.DLDstMask),
		SrcPorts: v.ports("tpSrc", b.TpSrc), DstPorts: v.ports("tpDst", b.TpDst),
	}
	if given(b.NwSrcAddress) != "" {
		w.Src = v.prefix("nwSrcAddress", b.NwSrcAddress, "nwSrcLength", b.NwSrcLength).Masked()
	}
	if given(b.NwDstAddress) != "" {
		w.Dst = v.prefix("nwDstAddress", b.NwDstAddress, "nwDstLength", b.NwDstLength).Masked()
	}
	v.add(len(b.InPorts) > maxRulePorts, "inPorts", "size must be between 0 and %d", maxRulePorts)
	v.add(len(b.OutPorts) > maxRulePorts, "outPorts", "size must be between 0 and %d", maxRulePorts)
	v.add(b.MatchForwardFlow && b.MatchReturnFlow, "matchReturnFlow", "no packet is of both directions")
	var i topology.ICMPData
	if given(b.ICMPDataSrcAddress) != "" {
		i.Src = v.prefix("icmpDataSrcIpAddress", b.ICMPDataSrcAddress, "icmpDataSrcIpLength", b.ICMPDataSrcLength).Masked()
	}
	if given(b.ICMPDataDstAddress) != "" {
		i.Dst = v.prefix("icmpDataDstIpAddress", b.ICMPDataDstAddress, "icmpDataDstIpLength", b.ICMPDataDstLength).Masked()
	}
	if i != (topology.ICMPData{}) {
		w.ICMPData = &i
	}
	return w
}

// maxRulePorts is how many ports a condition names at most in each direction.
const maxRulePorts = 32

// inverted returns the fields whose sense is inverted.
func (b *condition) inverted() (not topology.ConditionField) {
	for _, f := range []struct {
		inverted bool
		field    topology.ConditionField
	}{
		{b.InvInPorts, topology.NotInPorts}, {b.InvOutPorts, topology.NotOutPorts}, {b.InvPortGroup, topology.NotPortGroup},
		{b.InvInPortGroup, topology.NotInPortGroup}, {b.InvOutPortGroup, topology.NotOutPortGroup},
		{b.InvIPAddrGroupSrc, topology.NotSrcGroup}, {b.InvIPAddrGroupDst, topology.NotDstGroup}, {b.InvTraversedDevice, topology.NotTraversed},
		{b.InvDLType, topology.NotEtherType}, {b.InvDLSrc, topology.NotSrcMAC}, {b.InvDLDst, topology.NotDstMAC}, {b.InvNwTOS, topology.NotTOS},
		{b.InvNwProto, topology.NotProto}, {b.InvNwSrc, topology.NotSrc}, {b.InvNwDst, topology.NotDst},
		{b.InvTpSrc, topology.NotSrcPorts}, {b.InvTpDst, topology.NotDstPorts}, {b.InvICMPDataSrc, topology.NotICMPSrc},
		{b.InvICMPDataDst, topology.NotICMPDst},
	} {
		if f.inverted {
			not |= f.field
		}
	}
	return not
}

// fragments returns the policy of the rule, which has a default that follows from the rest (Condition.java and ForwardNatRule.java).
func (b *condition) fragments(r *topology.Rule) (topology.FragmentPolicy, error) {
	ports := r.When.SrcPorts.Set || r.When.DstPorts.Set
	whole := false // only whole packets can be translated so
	if r.Action == topology.ActionDNAT || r.Action == topology.ActionSNAT {
		whole = ports || len(r.Targets) != 1 || r.Targets[0].First != r.Targets[0].Last || r.Targets[0].FirstPort != 0
	}
	if b.FragmentPolicy == nil {
		switch {
		case whole:
			return topology.FragmentsNone, nil
		case ports:
			return topology.FragmentsHeader, nil
		}
		return topology.FragmentsAny, nil
	}
	policy, ok := fragmentPolicies[*b.FragmentPolicy]
	switch {
	case !ok:
		return 0, errs.New(errs.Invalid, "BadFragmentPolicy", "The valid options for fragmentPolicy are: 'any', 'header', 'nonheader', and 'unfragmented'.")
	case whole && policy != topology.FragmentsNone:
		return 0, errs.New(errs.Invalid, "BadFragmentPolicy", "For a NAT rule with port constraints or multiple targets, the fragmentPolicy must be 'unfragmented'.")
	case ports && (policy == topology.FragmentsAny || policy == topology.FragmentsLater):
		return 0, errs.New(errs.Invalid, "BadFragmentPolicy", "For a rule with tpDst or tpSrc constraints, the fragmentPolicy must be 'header' or 'unfragmented'.")
	}
	return policy, nil
}

// within reads a number that need not be there.
func (v *violations) within(property string, n *int, least, most int) int {
	if n == nil {
		return 0
	}
	v.add(*n < least, property, "must be greater than or equal to %d", least)
	v.add(*n > most, property, "must be less than or equal to %d", most)
	return *n
}

func (v *violations) ports(property string, r *portRange) topology.PortRange {
	if r == nil || r.Start == nil && r.End == nil {
		return topology.PortRange{}
	}
	first, last := 0, 0xffff
	if r.Start != nil {
		first = *r.Start
	}
	if r.End != nil {
		last = *r.End
	}
	v.add(first < 0 || last > 0xffff || first > last, property, "Range is not valid.")
	return topology.PortRange{First: uint16(first), Last: uint16(last), Set: true}
}

func (v *violations) mac(property string, text *string) mac.Addr {
	if given(text) == "" {
		return mac.Addr{}
	}
	a, err := mac.Parse(*text)
	v.add(err != nil || a.IsZero(), property, "MAC address string must be 6 words of 1 or 2 hex digits joined with 5 ':'")
	return a
}

// mask reads a mask of MAC.parseMask's form.
func (v *violations) mask(property string, text *string) (m mac.Addr) {
	if given(text) == "" {
		return m
	}
	words := strings.Split(*text, ".")
	ok := len(words) == 3
	for i := 0; ok && i < 3; i++ {
		n, err := strconv.ParseUint(words[i], 16, 16)
		ok = err == nil && len(words[i]) == 4
		m[2*i], m[2*i+1] = byte(n>>8), byte(n)
	}
	v.add(!ok || m.IsZero(), property, `MAC mask must consist of three sets of four hexadecimal digits separated by periods, e.g. "ffff.ff00.0000".`)
	return m
}

// maxTargets is how many targets a translation has at most.
const maxTargets = 32

// targets reads what a rule translates to.
func (v *violations) targets(action topology.RuleAction, list []natTarget) []topology.NATTarget {
	v.add(len(list) < 1 || len(list) > maxTargets, "natTargets", "size must be between 1 and %d", maxTargets)
	var targets []topology.NATTarget
	for _, t := range list {
		first, last := v.targetAddress("addressFrom", t.AddressFrom), v.targetAddress("addressTo", t.AddressTo)
		if !first.IsValid() || !last.IsValid() {
			continue
		}
		v.add(first.Is4() != last.Is4() || last.Less(first) || !sameHigh(first, last), "natTargets", "%s to %s is no range of addresses", first, last)
		v.add(t.PortFrom < 0 || t.PortTo > 0xffff || t.PortFrom > t.PortTo || t.PortFrom == 0 && t.PortTo != 0, "natTargets",
			"%d to %d is no range of ports", t.PortFrom, t.PortTo)
		block := topology.NATBlockSize
		v.add(action == topology.ActionSNAT && t.PortFrom > 0 && (t.PortFrom+block-1)/block*block+block-1 > t.PortTo, "natTargets",
			"ports %d to %d hold no block of %d, by which hosts take them", t.PortFrom, t.PortTo, block)
		targets = append(targets, topology.NATTarget{First: first, Last: last, FirstPort: uint16(t.PortFrom), LastPort: uint16(t.PortTo)})
	}
	return targets
}

func (v *violations) targetAddress(property string, text *string) netip.Addr {
	if text == nil {
		v.add(true, property, "may not be null")
		return netip.Addr{}
	}
	return v.address(property, *text)
}

// sameHigh reports whether the addresses differ in their low 64 bits at most, as the addresses of one target do.
func sameHigh(a, b netip.Addr) bool {
	x, y := a.As16(), b.As16()
	return [8]byte(x[:8]) == [8]byte(y[:8])
}
