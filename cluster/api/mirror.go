package api

import (
	"midonet.org/midonet/errs"
	"midonet.org/midonet/topology"
)

// maxConditions is how many conditions a mirror has at most. A mirror is one object.
const maxConditions = 100

// matching is a condition that stands by itself (models/Condition.java).
type matching struct {
	condition
	URI *string `json:"uri"`
}

// read reads the condition.
func (m *matching) read(v *violations) (topology.Condition, error) {
	r := topology.Rule{When: m.condition.read(v)}
	policy, err := m.fragments(&r)
	r.When.Fragments = policy
	return r.When, err
}

// mirror is models/Mirror.java.
type mirrorDoc struct {
	entity[topology.Mirror]
	ToPortID   *topology.PortID `json:"toPortId"`
	Conditions []matching       `json:"conditions"`
}

var mirrors = stored[*topology.Mirror, mirrorDoc]{
	kind: topology.KindMirror, path: "/mirrors", media: "Mirror-v1", can: canList | canCreate | canUpdate,
	show: func(c *call, o *topology.Mirror) mirrorDoc {
		return mirrorDoc{entity: entity[topology.Mirror]{&o.ID, c.link("/mirrors", o.ID)}, ToPortID: &o.To,
			Conditions: show(o.Conditions, func(w topology.Condition) matching { return matching{condition: showCondition(&w)} })}
	},
	read: func(_ *call, v *violations, d *mirrorDoc, _ *topology.Mirror) (*topology.Mirror, error) {
		o := &topology.Mirror{ID: *d.ID, To: required(v, "toPortId", d.ToPortID)}
		v.add(len(d.Conditions) > maxConditions, "conditions", "size must be between 0 and %d", maxConditions)
		for i := range d.Conditions {
			w, err := d.Conditions[i].read(v)
			if err != nil {
				return nil, err
			}
			o.Conditions = append(o.Conditions, w)
		}
		return o, nil
	},
}

// l2Insertion is models/L2Insertion.java.
type l2Insertion struct {
	entity[topology.L2Insertion]
	PortID    *topology.PortID `json:"portId"`
	SrvPortID *topology.PortID `json:"srvPortId"`
	VLAN      *int             `json:"vlan"`
	Position  *int             `json:"position"`
	FailOpen  bool             `json:"failOpen"`
	MAC       *string          `json:"mac"`
}

var l2Insertions = stored[*topology.L2Insertion, l2Insertion]{
	kind: topology.KindL2Insertion, path: "/l2insertions", media: "L2Insertion-v1", can: canList | canCreate | canUpdate,
	show: func(c *call, o *topology.L2Insertion) l2Insertion {
		return l2Insertion{entity: entity[topology.L2Insertion]{&o.ID, c.link("/l2insertions", o.ID)}, PortID: &o.Port, SrvPortID: &o.Service,
			VLAN: new(int(o.VLAN)), Position: &o.Position, FailOpen: o.FailOpen, MAC: new(o.MAC.String())}
	},
	read: func(_ *call, v *violations, d *l2Insertion, have *topology.L2Insertion) (*topology.L2Insertion, error) {
		v.add(d.MAC == nil, "mac", "may not be null")
		o := &topology.L2Insertion{ID: *d.ID, Port: required(v, "portId", d.PortID), Service: required(v, "srvPortId", d.SrvPortID),
			VLAN: uint16(v.within("vlan", d.VLAN, 0, 4094)), Position: v.within("position", d.Position, 0, maxInt), FailOpen: d.FailOpen,
			MAC: v.mac("mac", d.MAC)}
		if have != nil && (have.Port != o.Port || have.Service != o.Service) {
			return nil, errs.New(errs.Invalid, "NotSettable", "Port/SrvPort can't be changed for an insertion")
		}
		return o, nil
	},
	has: func(c *call, o *topology.L2Insertion) bool {
		switch query := c.URL.Query(); {
		case query.Has("srv_port"):
			return o.Service.String() == query.Get("srv_port")
		case query.Has("port"):
			return o.Port.String() == query.Get("port")
		}
		return true
	},
}
