package topology

// Reference is that one object names another.
type Reference struct {
	To   Key
	Gone Fate
}

// Fate is what becomes of an object when one that it names is deleted (the original's DeleteAction, seen from the other end).
type Fate uint8

// The fates.
const (
	GoesToo Fate = 1 // it is deleted as well
	Forgets Fate = 2 // it stays, and names it no longer
)

// Referrer is an object that says what it names. References has no zero identifiers.
type Referrer interface {
	Object
	References() []Reference
	// Without returns the object as it is when what it names by Forgets is gone; nil says that nothing is left of it.
	Without(gone Key) Object
}

// referrers are the kinds whose objects are Referrers.
var referrers = []Kind{
	KindOverlay, KindBGPNetwork, KindBGPPeer, KindPool, KindPoolMember, KindVIP, KindMirror, KindL2Insertion, KindQoSBandwidthRule,
	KindQoSDSCPRule, KindServiceContainer, KindServiceContainerGroup, KindTraceRequest, KindVTEP, KindPeeringEntry, KindHostSettings,
}

// Referrers returns the kinds whose objects are Referrers. The caller does not change the slice.
func Referrers() []Kind { return referrers }

// refs collects references.
type refs []Reference

func (r *refs) add(gone Fate, kind Kind, ids ...[16]byte) {
	for _, id := range ids {
		if id != [16]byte{} {
			*r = append(*r, Reference{Key{kind, id}, gone})
		}
	}
}
