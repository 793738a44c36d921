package view

import (
	"maps"
	"testing"

	"pgregory.net/rapid"
)

func intKey(n int) key { return key{lo: uint64(n)} }

func collect(n *node[int]) map[int]int {
	m := map[int]int{}
	n.walk(func(k key, v int) bool { m[int(k.lo)] = v; return true })
	return m
}

// TestTableIsAMap compares a table with Go's map over random histories, and checks that older tables stay as they were.
func TestTableIsAMap(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		type version struct {
			table table[int]
			want  map[int]int
		}
		now := version{want: map[int]int{}}
		var history []version
		for range rapid.IntRange(0, 300).Draw(t, "steps") {
			history = append(history, version{now.table, maps.Clone(now.want)})
			k, v := rapid.IntRange(0, 80).Draw(t, "key"), rapid.Int().Draw(t, "value")
			if rapid.Bool().Draw(t, "put") {
				now.table, now.want[k] = now.table.with(intKey(k), v), v
			} else {
				now.table = now.table.without(intKey(k))
				delete(now.want, k)
			}
		}
		for _, v := range append(history, now) {
			if got := collect(v.table.root); !maps.Equal(got, v.want) || v.table.size != len(v.want) {
				t.Fatalf("the table has %v (size %d), want %v", got, v.table.size, v.want)
			}
			for k := range 81 {
				got, ok := v.table.get(intKey(k))
				if want, there := v.want[k]; ok != there || got != want {
					t.Fatalf("get(%d) = %d, %v; want %d, %v", k, got, ok, want, there)
				}
			}
		}
	})
}

// TestCollidingHashes puts leaves of one hash into a trie by hand: chance will not do it.
func TestCollidingHashes(t *testing.T) {
	leaf := func(hash uint64, key int) *node[int] {
		return &node[int]{hash: hash, key: intKey(key), value: key * 10}
	}
	root := leaf(7, 1)
	for _, l := range []*node[int]{leaf(7, 2), leaf(7|1<<60, 3), leaf(7, 4)} {
		var added bool
		if root, added = root.with(l, 0); !added {
			t.Errorf("key %d counts as there already", l.key)
		}
	}
	if _, added := root.with(leaf(7, 2), 0); added {
		t.Error("key 2 counts as new")
	}
	if got := collect(root); !maps.Equal(got, map[int]int{1: 10, 2: 20, 3: 30, 4: 40}) {
		t.Errorf("keys %v", got)
	}
	if got := collect(root.without(7, intKey(2), 0)); !maps.Equal(got, map[int]int{1: 10, 3: 30, 4: 40}) {
		t.Errorf("keys without 2: %v", got)
	}
	if got := root.without(7, intKey(2), 0).without(7, intKey(1), 0).without(7, intKey(4), 0); got.ways != nil || got.key != intKey(3) {
		t.Errorf("the last leaf is not at the top: %+v", got)
	}
}
