package journal

import "context"

// PortStatus is what the cluster learned of a port's interface.
type PortStatus struct {
	PortID string
	Active bool // its interface is up on a live host
}

// StatusSink is how facts from the hosts come back to Neutron: the one path upward.
type StatusSink interface {
	// SetPortStatus writes ACTIVE or DOWN to the ports and their updated_at and revision_number; unknown ports are left out
	// silently, since a deletion may overtake the report. A port that already has the status is not touched.
	SetPortStatus(ctx context.Context, statuses []PortStatus) error
}
