package store

import (
	"midonet.org/midonet/neutron/model"
)

// NovaEvent is something that Nova is to be told (Compute API, os-server-external-events).
type NovaEvent struct {
	ID        int64      `json:"-"` // assigned by the database
	Name      string     `json:"name"`
	Server    string     `json:"server_uuid"`
	Status    string     `json:"status,omitempty"`
	Tag       string     `json:"tag,omitempty"` // the port
	CreatedAt model.Time `json:"-"`
}

// InsertNovaEvent keeps an event until Nova has it. It is stored and undone with the change that it tells of.
func InsertNovaEvent(tx *Tx, e NovaEvent) error {
	_, err := tx.Exec(`INSERT INTO nova_events (name, server_uuid, status, tag, created_at) VALUES (?, ?, ?, ?, ?)`,
		e.Name, e.Server, e.Status, e.Tag, timeText(e.CreatedAt))
	return err
}

// PendingNovaEvents returns the oldest events that Nova does not have.
func PendingNovaEvents(q Querier, limit int) ([]*NovaEvent, error) {
	return collect(q, func(rows row) (*NovaEvent, error) {
		var e NovaEvent
		return &e, rows.Scan(&e.ID, &e.Name, &e.Server, &e.Status, &e.Tag, scanTime{&e.CreatedAt})
	}, `SELECT id, name, server_uuid, status, tag, created_at FROM nova_events ORDER BY id LIMIT ?`, limit)
}

// DeleteNovaEvents removes events that Nova has, or will not take.
func DeleteNovaEvents(tx *Tx, events []*NovaEvent) error {
	for _, e := range events {
		if _, err := tx.Exec(`DELETE FROM nova_events WHERE id = ?`, e.ID); err != nil {
			return err
		}
	}
	return nil
}
