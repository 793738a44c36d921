package store

import (
	"encoding/json"
	"errors"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"midonet.org/midonet/id"
	"midonet.org/midonet/neutron/model"
)

// TestPackedTextsComeBack: whatever a row holds, its elements are read as they are in JSON, with and without the space that MySQL puts
// between them.
func TestPackedTextsComeBack(t *testing.T) {
	rapid.Check(t, func(r *rapid.T) {
		texts := rapid.SliceOfN(rapid.String(), 1, 5).Draw(r, "texts")
		packedText := "["
		for i, s := range texts {
			if i > 0 {
				packedText += rapid.SampledFrom([]string{",", ", "}).Draw(r, "separator")
			}
			quoted, _ := json.Marshal(s)
			packedText += string(quoted)
		}
		var p packed
		if err := p.unpack(packedText + "]"); err != nil {
			r.Fatal(err)
		}
		got, targets := make([]string, len(texts)), []any{}
		for i := range got {
			targets = append(targets, &got[i])
		}
		var plain []string
		json.Unmarshal([]byte(packedText+"]"), &plain) // replaces what is not UTF-8, as json.Marshal has done
		if err := p.Scan(targets...); err != nil || !slices.Equal(got, plain) {
			r.Fatalf("%s: %q, %v", packedText, got, err)
		}
	})
}

// TestPackedRowsComeInOrder: by number, then by text, whatever the order in which the engine has packed them.
func TestPackedRowsComeInOrder(t *testing.T) {
	var got []string
	err := eachRow(new(packed), `[10,"a"],[9, "b]"],[9,"\"["],[-1,"c,"]`, 1, func(r row) error {
		var s string
		err := r.Scan(&s)
		got = append(got, s)
		return err
	})
	if want := []string{"c,", `"[`, "b]", "a"}; err != nil || !slices.Equal(got, want) {
		t.Errorf("%q, %v; want %q", got, err, want)
	}
}

// TestWhatIsCutIsNoticed: MySQL cuts what is longer than group_concat_max_len, and says so in a warning alone.
func TestWhatIsCutIsNoticed(t *testing.T) {
	whole := `[1,"a"],[2,"b"]`
	for n := range whole {
		if n == len(`[1,"a"]`) { // a whole row, which could be all
			continue
		}
		if err := eachRow(new(packed), whole[:n], 0, func(row) error { return nil }); err == nil {
			t.Errorf("%s passed", whole[:n])
		}
	}
}

func TestPackedFaults(t *testing.T) {
	for _, text := range []string{``, `{}`, `[1`, `["a]`, `[1]x`, `["a"b]`, `[1],[2]`, `null`} {
		var p packed
		if p.unpack(text) == nil {
			t.Errorf("%s is taken for a row", text)
		}
	}
	var p packed
	if err := p.unpack(`["x",null]`); err != nil {
		t.Fatal(err)
	}
	var s string
	var n int
	var b bool
	for _, targets := range [][]any{{&s}, {&n, &s}, {&b, &s}, {&s, &n}, {&s, &b}, {&s, &s}, {&s, &struct{}{}}} {
		if p.Scan(targets...) == nil {
			t.Errorf(`["x",null] was read into %T`, targets)
		}
	}
}

// TestLongestRows: every part comes back also where each text that a client may choose is as long as it may be, of characters that take the
// most room when they are packed.
func TestLongestRows(t *testing.T) {
	db := openNew(t)
	long := func(n int) string { return strings.Repeat("\x01", n) }
	standard := newNetwork(long(255)).Standard
	standard.Description = long(255)
	tags := []string{strings.Repeat("\U0001F600", 255)}
	subnet, ports := manyPorts(t, db, 1)
	port, zone := ports[0], long(255)
	port.Name, port.DeviceID, port.DeviceOwner = long(255), long(255), long(255)
	port.ExtraDHCP = []model.ExtraDHCPOpt{{Name: long(64), IPVersion: 4, Value: long(255)}}
	subnet.ServiceTypes = []string{long(255)}
	router := &model.Router{ID: id.New[model.Router](), Standard: standard, Distributed: new(bool), HA: new(bool)}
	address := &model.FloatingIP{ID: id.New[model.FloatingIP](), Standard: standard, FloatingIPAddress: addr("203.0.113.1"),
		FloatingNetworkID: port.NetworkID, RouterID: router.ID, PortID: port.ID, FixedIPAddress: port.FixedIPs[0].IPAddress}
	forwarding := &model.PortForwarding{ID: id.New[model.PortForwarding](), Standard: standard, FloatingIPID: address.ID, Protocol: "tcp",
		ExternalPort: 65535, ExternalPortRange: model.PortRange{First: 65535, Last: 65535}, InternalPortID: port.ID,
		InternalPortRange: model.PortRange{First: 65535, Last: 65535}, InternalIPAddress: addr("2001:db8:ffff:ffff:ffff:ffff:ffff:ffff")}
	group := &model.SecurityGroup{ID: id.New[model.SecurityGroup](), Standard: standard}
	rule := &model.SecurityGroupRule{ID: id.New[model.SecurityGroupRule](), Standard: standard, SecurityGroupID: group.ID}
	err := db.Tx(ctx, func(tx *Tx) error {
		return errors.Join(UpdatePort(tx, port), UpdateSubnet(tx, subnet), InsertRouter(tx, router), InsertFloatingIP(tx, address, port.ID),
			InsertPortForwarding(tx, forwarding), InsertSecurityGroup(tx, group), InsertSecurityGroupRule(tx, rule),
			AddTags(tx, port.ID.String(), tags), SetHosts(tx, []*Host{{ID: id.New[model.Agent](), Zone: zone}}, someTime))
	})
	if err != nil {
		t.Fatal(err)
	}
	err = db.Read(ctx, func(q Querier) error {
		p, err1 := Port(q, port.ID.String(), Scope{})
		s, err2 := Subnet(q, subnet.ID.String(), Scope{})
		r, err3 := Router(q, router.ID.String(), Scope{})
		f, err4 := FloatingIP(q, address.ID.String(), Scope{})
		g, err5 := SecurityGroup(q, group.ID.String(), Scope{})
		if err := errors.Join(err1, err2, err3, err4, err5); err != nil {
			return err
		}
		if !slices.Equal(p.ExtraDHCP, port.ExtraDHCP) || !slices.Equal(p.Tags, tags) || !slices.Equal(s.ServiceTypes, subnet.ServiceTypes) ||
			!slices.Equal(r.AvailabilityZones, []string{zone}) || f.PortDetails.DeviceOwner != port.DeviceOwner ||
			f.PortForwardings[0].InternalIPAddress != forwarding.InternalIPAddress || g.Rules[0].Description != rule.Description {
			t.Errorf("%+v\n%+v\n%+v\n%+v\n%+v", p, s, r, f, g)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}
