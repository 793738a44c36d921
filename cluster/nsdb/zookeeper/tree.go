package zookeeper

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/go-zookeeper/zk"

	"midonet.org/midonet/cluster/nsdb"
	"midonet.org/midonet/id"
	"midonet.org/midonet/topology"
)

// genesis is the revision of an empty store. Its node is the first link of the chain and never one that a watcher waits for.
const genesis nsdb.Revision = 1

// tree names the nodes of a store.
type tree struct {
	rootKey string // as configured
	root    string // of all that is ours
}

func newTree(rootKey string) tree { return tree{rootKey, rootKey + "/nsdb"} }

func (t tree) head() string { return t.root + "/head" }

func (t tree) log() string { return t.root + "/log" }

// entry is the node of a step. All names are of one length, so that they sort by age.
func (t tree) entry(rev nsdb.Revision) string { return fmt.Sprintf("%s/log/%020d", t.root, rev) }

func (t tree) staged() string { return t.root + "/staged" }

func (t tree) piece(rev nsdb.Revision, nonce []byte, n int) string {
	return fmt.Sprintf("%s/staged/%020d-%x-%d", t.root, rev, nonce, n)
}

// object is the node of an object whose key is <kind>/<uuid>, or the parent of all of a kind.
func (t tree) object(key string) string { return t.root + "/objects/" + key }

func (t tree) leases() string { return t.root + "/leases" }

func (t tree) lease(id int64) string { return fmt.Sprintf("%s/leases/%016x", t.root, id) }

// held is the node that says that a lease holds an object.
func (t tree) held(id int64, key string) string {
	return t.lease(id) + "/" + strings.Replace(key, "/", ".", 1)
}

// keyOfHeld is the key in the name of such a node.
func keyOfHeld(name string) string { return strings.Replace(name, ".", "/", 1) }

// skeleton is the nodes that others hang from, parents first.
func (t tree) skeleton() []string {
	var nodes []string
	for i := range t.root {
		if i > 0 && t.root[i] == '/' {
			nodes = append(nodes, t.root[:i])
		}
	}
	nodes = append(nodes, t.root, t.root+"/objects", t.leases(), t.staged())
	for _, kind := range topology.StoredKinds() {
		nodes = append(nodes, t.object(kind.String()))
	}
	return nodes
}

// empty is the log of an empty store, which is made as a whole or not at all.
func (t tree) empty(acl []zk.ACL) []any {
	return []any{
		&zk.CreateRequest{Path: t.log(), Data: formatRevision(genesis), Acl: acl},
		&zk.CreateRequest{Path: t.entry(genesis), Acl: acl},
		&zk.CreateRequest{Path: t.head(), Data: head{revision: genesis}.format(), Acl: acl},
	}
}

func formatRevision(rev nsdb.Revision) []byte { return strconv.AppendUint(nil, uint64(rev), 10) }

func parseRevision(data []byte) (nsdb.Revision, error) {
	n, err := strconv.ParseUint(string(data), 10, 64)
	return nsdb.Revision(n), err
}

// parseKey is the inverse of topology.Key.String. ok is false for a kind that this program does not know: a newer program has
// written it, and it is not ours to read.
func parseKey(text string) (key topology.Key, ok bool, err error) {
	name, uuid, found := strings.Cut(text, "/")
	kind, known := topology.KindByName(name)
	if !known {
		return topology.Key{}, false, nil
	}
	u, err := id.Parse[topology.Object](uuid)
	if err != nil || !found {
		return topology.Key{}, false, fmt.Errorf("network state database: %q names no object", text)
	}
	return topology.Key{Kind: kind, ID: u}, true, nil
}
