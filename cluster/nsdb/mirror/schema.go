package mirror

import (
	"fmt"

	"github.com/hashicorp/go-memdb"

	"midonet.org/midonet/topology"
)

// The indexes. Identifiers of referenced objects are not unique within a table; memdb then orders by the object's own.
const (
	indexID     = "id"
	indexBridge = "bridge"
	indexHost   = "host"
	indexRouter = "router"
	indexGroup  = "group"
	indexZone   = "zone"
)

// secondary are the indexes of each kind beside its identifier.
var secondary = map[topology.Kind][]string{
	topology.KindPort:       {indexBridge, indexRouter},
	topology.KindDHCP:       {indexBridge},
	topology.KindDHCPHost:   {indexBridge},
	topology.KindMACEntry:   {indexBridge},
	topology.KindNeighbour:  {indexBridge},
	topology.KindLearnedMAC: {indexBridge},
	topology.KindBinding:    {indexHost},
	topology.KindPortState:  {indexHost},

	topology.KindRoute:           {indexRouter},
	topology.KindFloatingIP:      {indexRouter},
	topology.KindPortForwarding:  {indexRouter},
	topology.KindRouterNeighbour: {indexRouter},
	topology.KindNATBlock:        {indexRouter},
	topology.KindGroupMember:     {indexGroup},
	topology.KindTunnelZoneHost:  {indexHost, indexZone},
}

// schema has one table for each kind, named as the kind.
var schema = newSchema()

func newSchema() *memdb.DBSchema {
	s := &memdb.DBSchema{Tables: map[string]*memdb.TableSchema{}}
	for _, kind := range topology.Kinds() {
		indexes := map[string]*memdb.IndexSchema{indexID: {Name: indexID, Unique: true, Indexer: byID{}}}
		for _, name := range secondary[kind] {
			indexes[name] = &memdb.IndexSchema{Name: name, AllowMissing: true, Indexer: reference(name)}
		}
		s.Tables[kind.String()] = &memdb.TableSchema{Name: kind.String(), Indexes: indexes}
	}
	return s
}

// byID indexes objects by the identifier of their key.
type byID struct{}

func (byID) FromObject(raw any) (bool, []byte, error) {
	key := raw.(topology.Object).Key()
	return true, key.ID[:], nil
}

func (byID) FromArgs(args ...any) ([]byte, error) { return octets(args) }

// reference indexes objects by the bridge, router, group, zone or host that they name.
type reference string

func (r reference) FromObject(raw any) (bool, []byte, error) {
	id := r.of(raw.(topology.Object))
	return id != [16]byte{}, id[:], nil
}

func (reference) FromArgs(args ...any) ([]byte, error) { return octets(args) }

func (r reference) of(o topology.Object) [16]byte {
	switch o := o.(type) {
	case *topology.Port:
		if r == indexRouter {
			return o.Router
		}
		return o.Bridge
	case *topology.Route:
		return o.Router
	case *topology.FloatingIP:
		return o.Router
	case *topology.PortForwarding:
		return o.Router
	case *topology.RouterNeighbour:
		return o.Router
	case *topology.NATBlock:
		return o.Router
	case *topology.GroupMember:
		return o.Group
	case *topology.TunnelZoneHost:
		if r == indexZone {
			return o.Zone
		}
		return o.Host
	case *topology.DHCP:
		return o.Bridge
	case *topology.DHCPHost:
		return o.Bridge
	case *topology.MACEntry:
		return o.Bridge
	case *topology.Neighbour:
		return o.Bridge
	case *topology.LearnedMAC:
		return o.Bridge
	case *topology.Binding:
		return o.Host
	case *topology.PortState:
		return o.Host
	}
	panic(fmt.Sprintf("mirror: %T has no index %s", o, string(r)))
}

func octets(args []any) ([]byte, error) {
	b, ok := args[0].([]byte)
	if !ok {
		return nil, fmt.Errorf("%T is no identifier", args[0])
	}
	return b, nil
}

// insert puts the object in and returns how many more there are: 0 where it replaces one.
func insert(txn *memdb.Txn, o topology.Object) int {
	key := o.Key()
	found, err := txn.First(key.Kind.String(), indexID, key.ID[:])
	must(err)
	must(txn.Insert(key.Kind.String(), o))
	if found != nil {
		return 0
	}
	return 1
}

// remove takes the object out and returns how many fewer there are: 0 where there was none.
func remove(txn *memdb.Txn, key topology.Key) int {
	found, err := txn.First(key.Kind.String(), indexID, key.ID[:])
	must(err)
	if found == nil {
		return 0
	}
	must(txn.Delete(key.Kind.String(), found))
	return 1
}
