package ml2

import (
	"testing"

	"midonet.org/midonet/errs"
	"midonet.org/midonet/neutron/model"
	"midonet.org/midonet/neutron/plugin"
)

// TestSegments makes networks of segments, and asks for those that there cannot be.
func TestSegments(t *testing.T) {
	f := newFixture(t)
	of := func(types ...string) plugin.Body[model.Network] {
		b := body(model.Network{Segments: []model.Segment{}}, "segments")
		for _, name := range types {
			b.Value.Segments = append(b.Value.Segments, model.Segment{NetworkType: name})
		}
		return b
	}
	physical, number := of("midonet"), of("uplink")
	where, seven := "physnet1", 7
	physical.Value.Segments[0].PhysicalNetwork, number.Value.Segments[0].SegmentationID = &where, &seven
	both, nameless := of("midonet"), of("")
	both.Value.NetworkType = "midonet"
	const invalid = "Invalid input for operation: "
	for _, c := range []struct {
		b                   plugin.Body[model.Network]
		made, fault, reason string
	}{
		{b: of("midonet"), made: "midonet"},
		{b: of("uplink"), made: "uplink"},
		{b: of(), made: "midonet"},
		{b: both, fault: "SegmentsSetInConjunctionWithProviders", reason: "Segments and provider values cannot both be set."},
		{b: of("midonet", "midonet"), fault: "SegmentsContainDuplicateEntry", reason: "Duplicate segment entry in request."},
		{b: nameless, fault: "InvalidInput", reason: invalid + "network_type required."},
		{b: of("vlan"), fault: "InvalidInput", reason: invalid + "network_type value 'vlan' not supported."},
		{b: physical, fault: "InvalidInput", reason: invalid + "physical_network prohibited for midonet provider network."},
		{b: number, fault: "InvalidInput", reason: invalid + "segmentation_id prohibited for uplink provider network."},
		{b: of("uplink", "midonet"), fault: "InvalidInput",
			reason: invalid + "A network of type midonet has a bridge and one of type uplink has none: no network is both."},
	} {
		made, err := f.Networks().Create(t.Context(), admin, []plugin.Body[model.Network]{c.b})
		if c.fault != "" {
			wantFault(t, err, errs.Invalid, c.fault, c.reason)
			continue
		}
		if err != nil || made[0].NetworkType != c.made {
			t.Fatalf("%+v: %v, %v", c.b.Value.Segments, made, err)
		}
		other := map[string]string{"midonet": "uplink", "uplink": "midonet"}[c.made]
		if _, err := f.Networks().Update(t.Context(), admin, made[0].ID.String(), of(c.made)); err != nil {
			t.Errorf("the same segment again: %v", err)
		}
		_, err = f.Networks().Update(t.Context(), admin, made[0].ID.String(), of(other))
		wantFault(t, err, errs.Invalid, "InvalidInput", "")
	}
}
