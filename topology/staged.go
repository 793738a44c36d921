package topology

import (
	"encoding/binary"

	"midonet.org/midonet/id"
)

// The kinds by which a store makes a change that is larger than one step of its engine (package nsdb/staging tells how). They stand for
// the objects in them, and readers never see them: Kinds leaves them out.
const (
	KindStagedPart   Kind = 100
	KindStagedChange Kind = 101
)

// StagedID names one large change.
type StagedID = id.ID[StagedChange]

// StagedPart is a part of a large change: what is to be put, and what deleted, when the change is made.
type StagedPart struct {
	Change  StagedID
	Number  uint32 // of the part, from 0
	Puts    []Object
	Deletes []Key
}

// StagedChange is how far the large change of a store has come. There are two of these objects, by Role: who stages, and what is made.
type StagedChange struct {
	Role    StagedRole
	Change  StagedID // zero: none
	Parts   uint32   // how many the change has
	Staged  uint32   // how many of them are stored; of StagedClaim
	GivenUp bool     // the parts are to be removed; of StagedClaim
}

// StagedRole tells the two StagedChange objects apart.
type StagedRole uint8

// The roles.
const (
	StagedClaim StagedRole = 1 // whose parts are being stored
	StagedMade  StagedRole = 2 // whose parts count, though the objects themselves may not be written yet
)

// Key returns the part's key, which follows from the change and the number.
func (o *StagedPart) Key() Key { return StagedPartKey(o.Change, o.Number) }

// Key returns the key of the role.
func (o *StagedChange) Key() Key { return StagedKey(o.Role) }

// StagedPartKey returns the key of a part of a change.
func StagedPartKey(change StagedID, number uint32) Key {
	return Key{KindStagedPart, id.Derive[StagedPart](change, string(binary.BigEndian.AppendUint32(nil, number)))}
}

// StagedKey returns the key of the one object with the role.
func StagedKey(r StagedRole) Key { return Key{KindStagedChange, [16]byte{15: byte(r)}} }
