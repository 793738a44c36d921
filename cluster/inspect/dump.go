// Package inspect shows a topology to people: as a dump that can be kept, sent and read back, and as a picture.
//
// It works on plain objects, so that a live system, a dump file and a test look alike.
package inspect

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"midonet.org/midonet/id"
	"midonet.org/midonet/topology"
)

// maxLine bounds one object of a dump: a Neutron object with all its attributes stays far below it.
const maxLine = 4 << 20

// line is one object of a dump. Its field order is what a reader sees.
type line struct {
	Kind  string          `json:"kind"`
	Value json.RawMessage `json:"value"`
}

// source is topology.Source with its JSON left readable.
type source struct {
	Resource string
	ID       id.ID[topology.Source]
	JSON     json.RawMessage
}

// WriteDump writes one JSON line for each object, ordered by kind and identifier, so that two dumps can be compared by diff.
func WriteDump(w io.Writer, objects []topology.Object) error {
	sorted := slices.SortedFunc(slices.Values(objects), func(a, b topology.Object) int { return compareKeys(a.Key(), b.Key()) })
	out := bufio.NewWriter(w)
	enc := json.NewEncoder(out)
	enc.SetEscapeHTML(false)
	for _, o := range sorted {
		value, err := encode(o)
		if err != nil {
			return fmt.Errorf("%s: %w", o.Key(), err)
		}
		if err := enc.Encode(line{Kind: o.Key().Kind.String(), Value: value}); err != nil {
			return err
		}
	}
	return out.Flush()
}

// ReadDump reads what WriteDump wrote. An error names the line.
func ReadDump(r io.Reader) ([]topology.Object, error) {
	in := bufio.NewScanner(r)
	in.Buffer(make([]byte, 0, 64<<10), maxLine)
	var objects []topology.Object
	for n := 1; in.Scan(); n++ {
		if strings.TrimSpace(in.Text()) == "" {
			continue
		}
		o, err := decode(in.Bytes())
		if err != nil {
			return nil, fmt.Errorf("line %d of the dump: %w", n, err)
		}
		objects = append(objects, o)
	}
	if err := in.Err(); err != nil {
		return nil, fmt.Errorf("reading the dump: %w", err)
	}
	return objects, nil
}

func encode(o topology.Object) (json.RawMessage, error) {
	if s, ok := o.(*topology.Source); ok {
		return json.Marshal(source{Resource: s.Resource, ID: s.ID, JSON: s.JSON})
	}
	return json.Marshal(o)
}

func decode(text []byte) (topology.Object, error) {
	var l line
	if err := json.Unmarshal(text, &l); err != nil {
		return nil, err
	}
	kind, ok := topology.KindByName(l.Kind)
	if !ok {
		return nil, fmt.Errorf("%q is not a kind of object", l.Kind)
	}
	if kind == topology.KindSource {
		var s source
		err := json.Unmarshal(l.Value, &s)
		return &topology.Source{Resource: s.Resource, ID: s.ID, JSON: s.JSON}, err
	}
	o := empty(kind)
	if o == nil {
		return nil, errors.New("dumps cannot hold a " + l.Kind)
	}
	return o, json.Unmarshal(l.Value, o)
}

// empty returns a new zero object of the kind, nil where there is none.
func empty(kind topology.Kind) topology.Object {
	switch kind {
	case topology.KindBridge:
		return &topology.Bridge{}
	case topology.KindPort:
		return &topology.Port{}
	case topology.KindDHCP:
		return &topology.DHCP{}
	case topology.KindDHCPHost:
		return &topology.DHCPHost{}
	case topology.KindMACEntry:
		return &topology.MACEntry{}
	case topology.KindNeighbour:
		return &topology.Neighbour{}
	case topology.KindHost:
		return &topology.Host{}
	case topology.KindBinding:
		return &topology.Binding{}
	case topology.KindTunnelKey:
		return &topology.TunnelKey{}
	case topology.KindHostState:
		return &topology.HostState{}
	case topology.KindPortState:
		return &topology.PortState{}
	case topology.KindLearnedMAC:
		return &topology.LearnedMAC{}
	case topology.KindSource:
		return &topology.Source{}
	case topology.KindProgress:
		return &topology.Progress{}
	}
	return nil
}

func compareKeys(a, b topology.Key) int {
	if a.Kind != b.Kind {
		return int(a.Kind) - int(b.Kind)
	}
	return slices.Compare(a.ID[:], b.ID[:])
}
