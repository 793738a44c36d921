package flowstate

import (
	"midonet.org/midonet/agent/flow"
	"midonet.org/midonet/agent/packet"
)

// answers counts the states by which answers of UDP are translated, by the hash of the addresses that these have as they come to where that is
// done. Two with one hash are taken for one.
type answers map[uint64]int

// note counts a state that begins (+1) or ends (-1).
func (a answers) note(p *packed, change int) {
	if p.proto() != packet.ProtoUDP || !p.kind().TranslatesAnswers() {
		return
	}
	name := endsOf(p.key())
	if a[name] += change; a[name] == 0 {
		delete(a, name)
	}
}

// endsOf returns the name of the addresses of a key's connection, whatever its ports and the device.
func endsOf(k packedKey) uint64 {
	k = k.ends()
	return k.hash()
}

// Answers reports whether answers are translated, at any router and of UDP, that come with the addresses of c from one to the other.
func (t *Table) Answers(c flow.Conn) bool {
	return t.answers[endsOf(packKey(flow.StateKey{Conn: c}))] > 0
}
