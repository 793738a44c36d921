package topologypb

import "midonet.org/midonet/topology"

// What package nsdb/staging keeps.

func fromStagedPart(o *topology.StagedPart) *StagedPart {
	x := &StagedPart{Change: idBytes(o.Change), Number: o.Number}
	for _, put := range o.Puts {
		x.Put = append(x.Put, ToProto(put))
	}
	for _, k := range o.Deletes {
		x.Delete = append(x.Delete, KeyToProto(k))
	}
	return x
}

// Topology returns the part's value.
func (x *StagedPart) Topology() (*topology.StagedPart, error) {
	d := decoder{kind: topology.KindStagedPart}
	o := &topology.StagedPart{Change: identity[topology.StagedChange](&d, "change", x.GetChange()), Number: x.GetNumber()}
	for _, y := range x.GetPut() {
		put, err := FromProto(y)
		if err != nil {
			return nil, err
		}
		o.Puts = append(o.Puts, put)
	}
	for _, y := range x.GetDelete() {
		k, err := KeyFromProto(y)
		if err != nil {
			return nil, err
		}
		o.Deletes = append(o.Deletes, k)
	}
	return o, d.err
}

func fromStagedChange(o *topology.StagedChange) *StagedChange {
	return &StagedChange{Role: uint32(o.Role), Change: idBytes(o.Change), Parts: o.Parts, Staged: o.Staged, GivenUp: o.GivenUp}
}

// Topology returns the change's value.
func (x *StagedChange) Topology() (*topology.StagedChange, error) {
	d := decoder{kind: topology.KindStagedChange}
	return &topology.StagedChange{
		Role:    topology.StagedRole(d.small("role", x.GetRole())),
		Change:  reference[topology.StagedChange](&d, "change", x.GetChange()),
		Parts:   x.GetParts(),
		Staged:  x.GetStaged(),
		GivenUp: x.GetGivenUp(),
	}, d.err
}
