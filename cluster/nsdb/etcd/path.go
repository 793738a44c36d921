package etcd

import (
	"fmt"
	"strings"

	"midonet.org/midonet/id"
	"midonet.org/midonet/topology"
)

// DefaultRootKey is what all keys begin with where nothing else is configured; it is MidoNet's.
const DefaultRootKey = "/midonet"

// root is the prefix of a store's keys.
type root string

// rootOf adds the version of the layout: a later layout can live beside this one while it migrates.
func rootOf(rootKey string) root { return root(rootKey + "/v1/") }

func (r root) path(key topology.Key) string { return string(r) + key.String() }

// parse is the inverse of path. ok is false for a kind that this program does not know: a newer program has written it, and it is
// not ours to read.
func (r root) parse(path string) (key topology.Key, ok bool, err error) {
	name, uuid, found := strings.Cut(strings.TrimPrefix(path, string(r)), "/")
	kind, known := topology.KindByName(name)
	if !known {
		return topology.Key{}, false, nil
	}
	u, err := id.Parse[topology.Object](uuid)
	if err != nil || !found {
		return topology.Key{}, false, fmt.Errorf("network state database: the key %q names no object", path)
	}
	return topology.Key{Kind: kind, ID: u}, true, nil
}
