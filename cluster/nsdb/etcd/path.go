package etcd

import (
	"fmt"
	"strings"

	"midonet.org/midonet/id"
	"midonet.org/midonet/topology"
)

// root is the prefix of all keys. The version is that of the layout: a later layout can live beside this one while it migrates.
const root = "/midonet/v1/"

func pathOf(key topology.Key) string { return root + key.String() }

// parsePath is the inverse of pathOf. ok is false for a kind that this program does not know: a newer program has written it, and
// it is not ours to read.
func parsePath(path string) (key topology.Key, ok bool, err error) {
	name, uuid, found := strings.Cut(strings.TrimPrefix(path, root), "/")
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
