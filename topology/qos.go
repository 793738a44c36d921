package topology

import "midonet.org/midonet/id"

// Identifiers of what quality of service is made of.
type (
	QoSPolicyID        = id.ID[QoSPolicy]
	QoSBandwidthRuleID = id.ID[QoSBandwidthRule]
	QoSDSCPRuleID      = id.ID[QoSDSCPRule]
)

// QoSPolicy is a set of rules that bridges and ports name in their Overlays.
type QoSPolicy struct {
	Made
	ID                           QoSPolicyID
	Name, Description, ProjectID string
	Shared                       bool
}

// QoSBandwidthRule limits what a port sends.
type QoSBandwidthRule struct {
	Made
	ID         QoSBandwidthRuleID
	Policy     QoSPolicyID
	MaxKbps    int
	MaxBurstKb int // kilobits
	HasBurst   bool
}

// QoSDSCPRule marks what a port sends (RFC 2474).
type QoSDSCPRule struct {
	Made
	ID     QoSDSCPRuleID
	Policy QoSPolicyID
	Mark   int
}

// Key returns the policy's key.
func (o *QoSPolicy) Key() Key { return Key{KindQoSPolicy, o.ID} }

// Key returns the rule's key.
func (o *QoSBandwidthRule) Key() Key { return Key{KindQoSBandwidthRule, o.ID} }

// Key returns the rule's key.
func (o *QoSDSCPRule) Key() Key { return Key{KindQoSDSCPRule, o.ID} }

// References implements Referrer.
func (o *QoSBandwidthRule) References() []Reference {
	return []Reference{{Key{KindQoSPolicy, o.Policy}, GoesToo}}
}

// Without implements Referrer.
func (o *QoSBandwidthRule) Without(Key) Object { return o }

// References implements Referrer.
func (o *QoSDSCPRule) References() []Reference {
	return []Reference{{Key{KindQoSPolicy, o.Policy}, GoesToo}}
}

// Without implements Referrer.
func (o *QoSDSCPRule) Without(Key) Object { return o }
