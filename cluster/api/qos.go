package api

import (
	"encoding/json"

	"midonet.org/midonet/cluster/operator"
	"midonet.org/midonet/errs"
	"midonet.org/midonet/id"
	"midonet.org/midonet/topology"
)

// The types of rule that a policy's document has (QosPolicy.QosRule).
const (
	bandwidthLimit = "bandwidth_limit"
	dscpMarking    = "dscp_marking"
)

// maxPolicyRules is how many rules one document of a policy has at most, which are written in one step.
const maxPolicyRules = 32

// qosPolicy is models/QosPolicy.java. Rules are read alone: where there are some, they take the place of those that the policy has; they are
// shown as resources of their own.
type qosPolicy struct {
	entity[topology.QoSPolicy]
	Name         *string   `json:"name"`
	Description  *string   `json:"description"`
	Shared       *bool     `json:"shared"`
	TenantID     *string   `json:"tenant_id"`
	Rules        []qosRule `json:"rules"`
	BWLimitRules *string   `json:"bwLimitRules"`
	DSCPRules    *string   `json:"dscpRules"`
}

// qosRule is QosPolicy.QosRule.
type qosRule struct {
	ID           *topology.QoSBandwidthRuleID `json:"id"` // or that of a DSCP rule
	Type         string                       `json:"type"`
	MaxKbps      *int                         `json:"max_kbps"`
	MaxBurstKbps *int                         `json:"max_burst_kbps"`
	DSCPMark     *int                         `json:"dscp_mark"`
}

var qosPolicies = stored[*topology.QoSPolicy, qosPolicy]{
	kind: topology.KindQoSPolicy, path: "/qos_policies", media: "QOSPolicy-v1", can: canList | canCreate | canUpdate,
	show: func(c *call, o *topology.QoSPolicy) qosPolicy {
		uri := c.link("/qos_policies", o.ID)
		return qosPolicy{entity: entity[topology.QoSPolicy]{&o.ID, uri}, Name: &o.Name, Description: &o.Description, Shared: &o.Shared,
			TenantID: present(o.ProjectID), BWLimitRules: new(*uri + "/qos_bw_limit_rules"), DSCPRules: new(*uri + "/qos_dscp_rules")}
	},
	read: func(_ *call, v *violations, d *qosPolicy, _ *topology.QoSPolicy) (*topology.QoSPolicy, error) {
		o := &topology.QoSPolicy{ID: *d.ID, Name: given(d.Name), Description: given(d.Description), Shared: given(d.Shared), ProjectID: given(d.TenantID)}
		v.size("name", o.Name, 0, maxName)
		v.size("description", o.Description, 0, 1024)
		v.size("tenant_id", o.ProjectID, 0, maxTenant)
		v.add(len(d.Rules) > maxPolicyRules, "rules", "size must be between 0 and %d", maxPolicyRules)
		for _, r := range d.Rules {
			r.object(v, o.ID)
		}
		return o, nil
	},
	also: func(e *operator.Edit, d *qosPolicy, o *topology.QoSPolicy) error {
		if d.Rules == nil {
			return nil
		}
		keep := map[topology.Key]bool{}
		for _, r := range d.Rules {
			rule := r.object(&violations{}, o.ID)
			if keep[rule.Key()] {
				return errs.New(errs.Invalid, "RuleTwice", "rules has %s twice", objectID(rule.Key().ID))
			}
			keep[rule.Key()] = true
			if err := e.Set(rule); err != nil {
				return err
			}
		}
		for _, kind := range []topology.Kind{topology.KindQoSBandwidthRule, topology.KindQoSDSCPRule} {
			for r := range e.State.Referring(kind, o.Key()) {
				if !keep[r.Key()] {
					e.Remove(r.(operator.Made))
				}
			}
		}
		return nil
	},
}

// object returns the rule of a policy, nil where its type is no such.
func (r *qosRule) object(v *violations, policy topology.QoSPolicyID) operator.Made {
	if r.ID == nil || r.ID.IsZero() {
		r.ID = new(id.New[topology.QoSBandwidthRule]())
	}
	switch r.Type {
	case bandwidthLimit:
		return bandwidthRule(v, *r.ID, policy, r.MaxKbps, "max_kbps", r.MaxBurstKbps, "max_burst_kbps")
	case dscpMarking:
		return &topology.QoSDSCPRule{ID: id.As[topology.QoSDSCPRule](*r.ID), Policy: policy, Mark: v.within("dscp_mark", r.DSCPMark, 0, maxDSCP)}
	}
	v.add(true, "type", "Must be one of %s, %s.", bandwidthLimit, dscpMarking)
	return nil
}

// maxDSCP is the largest differentiated services code point (RFC 2474).
const maxDSCP = 63

func bandwidthRule(v *violations, id topology.QoSBandwidthRuleID, policy topology.QoSPolicyID, kbps *int, kbpsName string, burst *int,
	burstName string) *topology.QoSBandwidthRule {
	return &topology.QoSBandwidthRule{ID: id, Policy: policy, MaxKbps: v.within(kbpsName, kbps, 0, maxInt), MaxBurstKb: v.within(burstName, burst, 0, maxInt),
		HasBurst: burst != nil}
}

// qosBandwidthRule is models/QosRuleBandwidthLimit.java.
type qosBandwidthRule struct {
	entity[topology.QoSBandwidthRule]
	MaxKbps    *int                  `json:"maxKbps"`
	MaxBurstKb *int                  `json:"maxBurstKb"`
	PolicyID   *topology.QoSPolicyID `json:"policyId"`
}

var qosBandwidthRules = stored[*topology.QoSBandwidthRule, qosBandwidthRule]{
	kind: topology.KindQoSBandwidthRule, path: "/qos_bw_limit_rules", media: "QOSRuleBWLimit-v1", can: canUpdate,
	in: []within[qosBandwidthRule]{{"/qos_policies/{id}/qos_bw_limit_rules", topology.KindQoSPolicy,
		func(d *qosBandwidthRule, to [16]byte) { d.PolicyID = new(topology.QoSPolicyID(to)) }}},
	show: func(c *call, o *topology.QoSBandwidthRule) qosBandwidthRule {
		shown := qosBandwidthRule{entity: entity[topology.QoSBandwidthRule]{&o.ID, c.link("/qos_bw_limit_rules", o.ID)}, MaxKbps: &o.MaxKbps, PolicyID: &o.Policy}
		if o.HasBurst {
			shown.MaxBurstKb = &o.MaxBurstKb
		}
		return shown
	},
	read: func(_ *call, v *violations, d *qosBandwidthRule, have *topology.QoSBandwidthRule) (*topology.QoSBandwidthRule, error) {
		if have != nil { // a rule stays with its policy
			d.PolicyID = &have.Policy
		}
		return bandwidthRule(v, *d.ID, *d.PolicyID, d.MaxKbps, "maxKbps", d.MaxBurstKb, "maxBurstKb"), nil
	},
}

// qosDSCPRule is models/QosRuleDscp.java.
type qosDSCPRule struct {
	entity[topology.QoSDSCPRule]
	DSCPMark json.Number           `json:"dscpMark"`
	PolicyID *topology.QoSPolicyID `json:"policyId"`
}

var qosDSCPRules = stored[*topology.QoSDSCPRule, qosDSCPRule]{
	kind: topology.KindQoSDSCPRule, path: "/qos_dscp_rules", media: "QOSRuleDSCP-v1", can: canUpdate,
	in: []within[qosDSCPRule]{{"/qos_policies/{id}/qos_dscp_rules", topology.KindQoSPolicy,
		func(d *qosDSCPRule, to [16]byte) { d.PolicyID = new(topology.QoSPolicyID(to)) }}},
	show: func(c *call, o *topology.QoSDSCPRule) qosDSCPRule {
		return qosDSCPRule{entity: entity[topology.QoSDSCPRule]{&o.ID, c.link("/qos_dscp_rules", o.ID)}, DSCPMark: number(o.Mark), PolicyID: &o.Policy}
	},
	read: func(_ *call, v *violations, d *qosDSCPRule, have *topology.QoSDSCPRule) (*topology.QoSDSCPRule, error) {
		if have != nil {
			d.PolicyID = &have.Policy
		}
		return &topology.QoSDSCPRule{ID: *d.ID, Policy: *d.PolicyID, Mark: v.number("dscpMark", d.DSCPMark, 0, maxDSCP)}, nil
	},
}
