package ml2

import (
	"errors"
	"strings"

	"midonet.org/midonet/id"
	"midonet.org/midonet/neutron/model"
	"midonet.org/midonet/neutron/store"
)

// What Nova is told of the ports of its servers (neutron/notifiers/nova.py).
const (
	vifPlugged     = "network-vif-plugged"
	vifUnplugged   = "network-vif-unplugged"
	vifDeleted     = "network-vif-deleted"
	networkChanged = "network-changed"
)

// tellNova keeps an event about a port for Nova, where the port is one of Nova's.
func tellNova(tx *store.Tx, p *model.Port, name, status string, now model.Time) error {
	if _, err := id.Parse[struct{}](p.DeviceID); err != nil || p.DeviceID == "" || !strings.HasPrefix(p.DeviceOwner, "compute:") {
		return nil
	}
	return store.InsertNovaEvent(tx, store.NovaEvent{Name: name, Server: p.DeviceID, Status: status, Tag: p.ID.String(), CreatedAt: now})
}

// tellNovaStatus tells that a port works, or does no longer: Nova starts a server when all its ports are plugged.
func (p *Plugin) tellNovaStatus(tx *store.Tx, portID string, status model.Status, now model.Time) error {
	if !p.cfg.NotifyNovaStatus {
		return nil
	}
	port, err := store.Port(tx, portID, store.Scope{})
	if err != nil {
		return err
	}
	if status == model.StatusActive {
		return tellNova(tx, port, vifPlugged, "completed", now)
	}
	return tellNova(tx, port, vifUnplugged, "completed", now)
}

// tellNovaChange tells that a port has other addresses, or has gone.
func (r *request) tellNovaChange(p *model.Port, name string) error {
	if !r.cfg.NotifyNovaData {
		return nil
	}
	return tellNova(r.tx, p, name, "", r.now)
}

// TellNova tells that a port is reached by another address than before, such as a floating one; the zero identifier is no port.
func (s *Session) TellNova(port model.PortID) error {
	if port.IsZero() || !s.r.cfg.NotifyNovaData {
		return nil
	}
	p, err := store.Port(s.r.tx, port.String(), store.Scope{})
	if errors.Is(err, store.ErrNotFound) { // it goes together with the address
		return nil
	}
	if err != nil {
		return err
	}
	return s.r.tellNovaChange(p, networkChanged)
}
