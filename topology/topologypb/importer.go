package topologypb

import (
	"bytes"
	"compress/flate"
	"io"

	"midonet.org/midonet/topology"
)

// What the importer keeps beside the topology.

func fromTunnelKey(o *topology.TunnelKey) *TunnelKey {
	return &TunnelKey{ByOperator: o.ByOperator, Number: o.Number, Port: idBytes(o.Port)}
}

// Topology returns the reservation's value.
func (x *TunnelKey) Topology() (*topology.TunnelKey, error) {
	d := decoder{kind: topology.KindTunnelKey}
	return &topology.TunnelKey{Made: topology.Made{ByOperator: x.GetByOperator()}, Number: x.GetNumber(), Port: reference[topology.Port](&d, "port", x.GetPort())}, d.err
}

const (
	// packedFrom is how long a JSON form is that is stored packed, octets. An address group of 30,000 addresses has 1.4 MB, more than an engine takes.
	packedFrom = 64 << 10
	// maxUnpacked bounds what is read of one, so that what is not of this program's making cannot fill the memory.
	maxUnpacked = 64 << 20
)

func fromSource(o *topology.Source) *Source {
	x := &Source{Resource: o.Resource, Id: o.ID[:], Json: o.JSON}
	if len(o.JSON) < packedFrom {
		return x
	}
	if packed := pack(o.JSON); len(packed) < len(o.JSON) {
		x.Json, x.Packed = nil, packed
	}
	return x
}

// pack returns the same octets for the same text within one build of the program.
func pack(text []byte) []byte {
	var b bytes.Buffer
	w, err := flate.NewWriter(&b, flate.BestSpeed)
	if err == nil {
		_, err = w.Write(text)
	}
	if err == nil {
		err = w.Close()
	}
	if err != nil { // a buffer takes everything
		panic(err)
	}
	return b.Bytes()
}

func (d *decoder) unpacked(field string, packed []byte) []byte {
	text, err := io.ReadAll(io.LimitReader(flate.NewReader(bytes.NewReader(packed)), maxUnpacked+1))
	switch {
	case err != nil:
		d.fail(field, "cannot be read: %v", err)
	case len(text) > maxUnpacked:
		d.fail(field, "has more than %d octets", maxUnpacked)
	}
	return text
}

// Topology returns the value of the Neutron object's copy.
func (x *Source) Topology() (*topology.Source, error) {
	d := decoder{kind: topology.KindSource}
	o := &topology.Source{
		Resource: x.GetResource(),
		ID:       identity[topology.Source](&d, "id", x.GetId()),
		JSON:     x.GetJson(),
	}
	if packed := x.GetPacked(); len(packed) > 0 {
		o.JSON = d.unpacked("packed", packed)
	}
	return o, d.err
}

func fromProgress(o *topology.Progress) *Progress {
	return &Progress{Journal: o.Journal, LastTaskId: o.LastTaskID, Applied: o.Applied, Repairs: o.Repairs,
		Store: o.Store, Turns: o.Turns}
}

// Topology returns the progress's value.
func (x *Progress) Topology() (*topology.Progress, error) {
	return &topology.Progress{Journal: x.GetJournal(), LastTaskID: x.GetLastTaskId(), Applied: x.GetApplied(), Repairs: x.GetRepairs(),
		Store: x.GetStore(), Turns: x.GetTurns()}, nil
}
