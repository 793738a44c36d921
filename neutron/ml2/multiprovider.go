package ml2

import (
	"slices"

	"midonet.org/midonet/errs"
	"midonet.org/midonet/neutron/model"
	"midonet.org/midonet/neutron/plugin"
)

// settleProvider gives a new network the type that its request asks for, by the provider attributes or by the one segment that it is to
// be made of (_process_provider_create in neutron/plugins/ml2/managers.py).
func settleProvider(n *model.Network) error {
	asked := n.Segments
	n.Segments = nil
	if asked == nil || n.NetworkType != "" || n.PhysicalNetwork != nil || n.SegmentationID != nil {
		if asked != nil {
			return errs.New(errs.Invalid, "SegmentsSetInConjunctionWithProviders", "Segments and provider values cannot both be set.")
		}
		return checkProvider(n)
	}
	for i, s := range asked {
		made := model.Network{NetworkType: s.NetworkType, PhysicalNetwork: s.PhysicalNetwork, SegmentationID: s.SegmentationID}
		if s.NetworkType == "" {
			return invalidInput("network_type required")
		}
		if err := checkProvider(&made); err != nil {
			return err
		}
		if slices.ContainsFunc(asked[:i], func(o model.Segment) bool { return o.NetworkType == s.NetworkType }) {
			return errs.New(errs.Invalid, "SegmentsContainDuplicateEntry", "Duplicate segment entry in request.")
		}
	}
	switch len(asked) {
	case 0:
		return checkProvider(n)
	case 1:
		n.NetworkType = asked[0].NetworkType
		return nil
	}
	return invalidInput("A network of type %s has a bridge and one of type %s has none: no network is both", typeMidonet, typeUplink)
}

// sameSegments reports whether a request for a change names the segment that the network is made of, or none.
func sameSegments(n *model.Network, body plugin.Body[model.Network]) bool {
	if !body.Has("segments") || body.Value.Segments == nil {
		return true
	}
	return slices.Equal(body.Value.Segments, []model.Segment{{NetworkType: n.NetworkType}})
}
