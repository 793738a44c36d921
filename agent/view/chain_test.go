package view

import (
	"net/netip"
	"reflect"
	"testing"

	"midonet.org/midonet/topology"
)

// TestEveryFieldIsLookedAt sets each field of a condition by itself: one that looksOf did not know would never be asked about.
func TestEveryFieldIsLookedAt(t *testing.T) {
	beside := map[string]bool{ // they say how another field is meant, or count always
		"TOS": true, "Proto": true, "SrcMACMask": true, "DstMACMask": true, "Not": true, "NotAll": true, "Fragments": true,
	}
	if l := looksOf(&topology.Condition{}); l != 0 {
		t.Errorf("a condition without fields looks at %d", l)
	}
	for _, f := range reflect.VisibleFields(reflect.TypeFor[topology.Condition]()) {
		if beside[f.Name] {
			continue
		}
		var c topology.Condition
		set(t, f.Name, reflect.ValueOf(&c).Elem().FieldByIndex(f.Index))
		if looksOf(&c) == 0 {
			t.Errorf("a condition on %s looks at nothing", f.Name)
		}
	}
}

// set gives the field a value that counts.
func set(t *testing.T, name string, field reflect.Value) {
	switch v := field.Addr().Interface().(type) {
	case *bool:
		*v = true
	case *uint16:
		*v = 1
	case *netip.Prefix:
		*v = netip.MustParsePrefix("10.0.0.0/8")
	case *topology.PortRange:
		v.Set = true
	case *[]topology.PortID:
		*v = make([]topology.PortID, 1)
	case **topology.ICMPData:
		*v = &topology.ICMPData{}
	default:
		if field.Kind() != reflect.Array {
			t.Fatalf("no value for %s", name)
		}
		field.Index(0).SetUint(1) // an identifier or a MAC
	}
}
