package topologypb

import "midonet.org/midonet/topology"

func fromChain(o *topology.Chain) *Chain {
	x := &Chain{ByOperator: o.ByOperator, Id: idBytes(o.ID), Name: o.Name, ProjectId: o.ProjectID}
	for i := range o.Rules {
		x.Rules = append(x.Rules, fromRule(&o.Rules[i]))
	}
	return x
}

// Topology returns the chain's value.
func (x *Chain) Topology() (*topology.Chain, error) {
	d := decoder{kind: topology.KindChain}
	o := &topology.Chain{
		Made:      topology.Made{ByOperator: x.GetByOperator()},
		ID:        identity[topology.Chain](&d, "id", x.GetId()),
		Name:      x.GetName(),
		ProjectID: x.GetProjectId(),
	}
	for _, r := range x.GetRules() {
		o.Rules = append(o.Rules, d.rule(r))
	}
	return o, d.err
}

func fromRule(r *topology.Rule) *Rule {
	x := &Rule{Id: idBytes(r.ID), When: fromCondition(&r.When), Action: uint32(r.Action), Jump: idBytes(r.Jump), After: uint32(r.After)}
	if k := r.Kept; k != nil {
		x.Kept = fromKept(k)
	}
	for _, t := range r.Targets {
		x.Targets = append(x.Targets, &NATTarget{First: t.First.AsSlice(), Last: t.Last.AsSlice(),
			FirstPort: uint32(t.FirstPort), LastPort: uint32(t.LastPort)})
	}
	return x
}

func (d *decoder) rule(x *Rule) topology.Rule {
	r := topology.Rule{
		ID:     identity[topology.Rule](d, "rule id", x.GetId()),
		When:   d.condition(x.GetWhen()),
		Action: topology.RuleAction(d.small("rule action", x.GetAction())),
		Jump:   reference[topology.Chain](d, "rule jump", x.GetJump()),
		After:  topology.RuleAction(d.small("rule after", x.GetAfter())),
		Kept:   d.kept(x.GetKept()),
	}
	for _, t := range x.GetTargets() {
		r.Targets = append(r.Targets, topology.NATTarget{
			First: d.addr("target first", t.GetFirst()), Last: d.addr("target last", t.GetLast()),
			FirstPort: d.port("target first port", t.GetFirstPort()), LastPort: d.port("target last port", t.GetLastPort()),
		})
	}
	return r
}

func fromKept(k *topology.KeptRule) *KeptRule {
	x := &KeptRule{Meter: k.Meter}
	if t := k.Trace; t != nil {
		x.Trace = &TraceRule{Request: idBytes(t.Request), Limit: t.Limit}
	}
	if t := k.Transform; t != nil {
		x.Transform = &L2Transform{Redirect: t.Redirect, PopVlan: t.PopVLAN, PushVlan: uint32(t.PushVLAN), Target: idBytes(t.Target),
			Ingress: t.Ingress, FailOpen: t.FailOpen}
	}
	return x
}

func (d *decoder) kept(x *KeptRule) *topology.KeptRule {
	if x == nil {
		return nil
	}
	k := &topology.KeptRule{Meter: x.GetMeter()}
	if t := x.GetTrace(); t != nil {
		k.Trace = &topology.TraceRule{Request: reference[topology.TraceRequest](d, "trace request", t.GetRequest()), Limit: t.GetLimit()}
	}
	if t := x.GetTransform(); t != nil {
		k.Transform = &topology.L2Transform{Redirect: t.GetRedirect(), PopVLAN: t.GetPopVlan(), PushVLAN: d.port("pushed vlan", t.GetPushVlan()),
			Target: reference[topology.Port](d, "target port", t.GetTarget()), Ingress: t.GetIngress(), FailOpen: t.GetFailOpen()}
	}
	return k
}

func fromCondition(c *topology.Condition) *Condition {
	x := &Condition{
		EtherType: uint32(c.EtherType), SrcMac: macBytes(c.SrcMAC), DstMac: macBytes(c.DstMAC), Src: fromPrefix(c.Src), Dst: fromPrefix(c.Dst),
		SrcGroup: idBytes(c.SrcGroup), DstGroup: idBytes(c.DstGroup), SrcPorts: fromPortRange(c.SrcPorts),
		DstPorts: fromPortRange(c.DstPorts), Fragments: uint32(c.Fragments), InPorts: idsBytes(c.InPorts), OutPorts: idsBytes(c.OutPorts),
		ForwardFlow: c.ForwardFlow, ReturnFlow: c.ReturnFlow, DstRewritten: c.DstRewritten, Not: uint32(c.Not), NotAll: c.NotAll,
		NoVlan: c.NoVLAN, Vlan: uint32(c.VLAN), SrcMacMask: macBytes(c.SrcMACMask), DstMacMask: macBytes(c.DstMACMask),
		PortGroup: idBytes(c.PortGroup), InPortGroup: idBytes(c.InPortGroup), OutPortGroup: idBytes(c.OutPortGroup),
		Traversed: idBytes(c.Traversed),
	}
	if i := c.ICMPData; i != nil {
		x.IcmpData = &ICMPData{Src: fromPrefix(i.Src), Dst: fromPrefix(i.Dst)}
	}
	if c.MatchProto {
		proto := uint32(c.Proto)
		x.Proto = &proto
	}
	if c.MatchTOS {
		tos := uint32(c.TOS)
		x.Tos = &tos
	}
	return x
}

func (d *decoder) condition(x *Condition) topology.Condition {
	return topology.Condition{
		EtherType:    d.port("ethertype", x.GetEtherType()),
		SrcMAC:       d.mac("source mac", x.GetSrcMac()),
		DstMAC:       d.mac("destination mac", x.GetDstMac()),
		Proto:        d.small("protocol", x.GetProto()),
		MatchProto:   x != nil && x.Proto != nil,
		Src:          d.prefix("source", x.GetSrc()),
		Dst:          d.prefix("destination", x.GetDst()),
		SrcGroup:     reference[topology.AddrGroup](d, "source group", x.GetSrcGroup()),
		DstGroup:     reference[topology.AddrGroup](d, "destination group", x.GetDstGroup()),
		SrcPorts:     d.ports("source ports", x.GetSrcPorts()),
		DstPorts:     d.ports("destination ports", x.GetDstPorts()),
		Fragments:    topology.FragmentPolicy(d.small("fragments", x.GetFragments())),
		InPorts:      references[topology.Port](d, "in port", x.GetInPorts()),
		OutPorts:     references[topology.Port](d, "out port", x.GetOutPorts()),
		ForwardFlow:  x.GetForwardFlow(),
		ReturnFlow:   x.GetReturnFlow(),
		DstRewritten: x.GetDstRewritten(),
		Not:          topology.ConditionField(x.GetNot()),
		NotAll:       x.GetNotAll(),
		NoVLAN:       x.GetNoVlan(),
		VLAN:         d.port("vlan", x.GetVlan()),
		SrcMACMask:   d.mac("source mac mask", x.GetSrcMacMask()),
		DstMACMask:   d.mac("destination mac mask", x.GetDstMacMask()),
		TOS:          d.small("tos", x.GetTos()),
		MatchTOS:     x != nil && x.Tos != nil,
		PortGroup:    reference[topology.PortGroup](d, "port group", x.GetPortGroup()),
		InPortGroup:  reference[topology.PortGroup](d, "in port group", x.GetInPortGroup()),
		OutPortGroup: reference[topology.PortGroup](d, "out port group", x.GetOutPortGroup()),
		Traversed:    reference[topology.Device](d, "traversed", x.GetTraversed()),
		ICMPData:     d.icmpData(x.GetIcmpData()),
	}
}

func (d *decoder) icmpData(x *ICMPData) *topology.ICMPData {
	if x == nil {
		return nil
	}
	return &topology.ICMPData{Src: d.prefix("icmp source", x.GetSrc()), Dst: d.prefix("icmp destination", x.GetDst())}
}

func fromPortRange(r topology.PortRange) *PortRange {
	if !r.Set {
		return nil
	}
	return &PortRange{First: uint32(r.First), Last: uint32(r.Last)}
}

func (d *decoder) ports(field string, x *PortRange) topology.PortRange {
	if x == nil {
		return topology.PortRange{}
	}
	return topology.PortRange{First: d.port(field, x.GetFirst()), Last: d.port(field, x.GetLast()), Set: true}
}

func fromAddrGroup(o *topology.AddrGroup) *AddrGroup {
	return &AddrGroup{ByOperator: o.ByOperator, Id: idBytes(o.ID), Name: o.Name, ProjectId: o.ProjectID}
}

// Topology returns the group's value.
func (x *AddrGroup) Topology() (*topology.AddrGroup, error) {
	d := decoder{kind: topology.KindAddrGroup}
	return &topology.AddrGroup{Made: topology.Made{ByOperator: x.GetByOperator()}, ID: identity[topology.AddrGroup](&d, "id", x.GetId()), Name: x.GetName(), ProjectID: x.GetProjectId()}, d.err
}

func fromGroupMember(o *topology.GroupMember) *GroupMember {
	return &GroupMember{ByOperator: o.ByOperator, Id: idBytes(o.ID), Group: idBytes(o.Group), Prefix: fromPrefix(o.Prefix), Port: idBytes(o.Port)}
}

// Topology returns the member's value.
func (x *GroupMember) Topology() (*topology.GroupMember, error) {
	d := decoder{kind: topology.KindGroupMember}
	return &topology.GroupMember{
		Made:   topology.Made{ByOperator: x.GetByOperator()},
		ID:     identity[topology.GroupMember](&d, "id", x.GetId()),
		Group:  reference[topology.AddrGroup](&d, "group", x.GetGroup()),
		Prefix: d.prefix("prefix", x.GetPrefix()),
		Port:   reference[topology.Port](&d, "port", x.GetPort()),
	}, d.err
}

func fromPortGroup(o *topology.PortGroup) *PortGroup {
	return &PortGroup{ByOperator: o.ByOperator, Id: idBytes(o.ID), Name: o.Name, ProjectId: o.ProjectID, Stateful: o.Stateful}
}

// Topology returns the group's value.
func (x *PortGroup) Topology() (*topology.PortGroup, error) {
	d := decoder{kind: topology.KindPortGroup}
	return &topology.PortGroup{
		Made:      topology.Made{ByOperator: x.GetByOperator()},
		ID:        identity[topology.PortGroup](&d, "id", x.GetId()),
		Name:      x.GetName(),
		ProjectID: x.GetProjectId(),
		Stateful:  x.GetStateful(),
	}, d.err
}
