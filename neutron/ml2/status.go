package ml2

import (
	"context"

	"midonet.org/midonet/neutron/journal"
	"midonet.org/midonet/neutron/model"
	"midonet.org/midonet/neutron/store"
)

var _ journal.StatusSink = (*Plugin)(nil)

// SetPortStatus implements journal.StatusSink. It tells the backend nothing: the status came from there.
func (p *Plugin) SetPortStatus(ctx context.Context, statuses []journal.PortStatus) error {
	return p.db.Tx(ctx, func(tx *store.Tx) error {
		for _, s := range statuses {
			status := model.StatusDown
			if s.Active {
				status = model.StatusActive
			}
			now := model.At(p.now())
			changed, err := store.SetPortStatus(tx, s.PortID, status, now)
			if err != nil {
				return err
			}
			if changed {
				if err := p.tellNovaStatus(tx, s.PortID, status, now); err != nil {
					return err
				}
				p.log.DebugContext(ctx, "port status", "port", s.PortID, "status", status)
			}
		}
		return nil
	})
}
