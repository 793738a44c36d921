package store

import (
	"encoding/json"
	"net/netip"
	"slices"
	"strings"

	"midonet.org/midonet/neutron/model"
)

// Host is a machine that runs an agent, as the cluster told of it last.
type Host struct {
	ID        model.AgentID
	Name      string
	Zone      string       // the availability zone that it is in; empty: none
	Endpoints []netip.Addr // its tunnels'
	Alive     bool         // its agent was connected
	Version   string       // of the agent, while it was alive
	StartedAt model.Time   // likewise
	SeenAt    model.Time   // when the cluster told that it was alive last
}

// Hosts returns all hosts, by name.
func Hosts(q Querier) ([]*Host, error) {
	return collect(q, func(rows row) (*Host, error) {
		var h Host
		var endpoints string
		err := rows.Scan(textual(&h.ID), &h.Name, &h.Zone, &endpoints, &h.Alive, &h.Version, scanTime{&h.StartedAt}, scanTime{&h.SeenAt})
		if err == nil {
			h.Endpoints, err = addressesOf(endpoints)
		}
		return &h, err
	}, `SELECT id, name, zone, endpoints, alive, version, started_at, seen_at FROM hosts ORDER BY name, id`)
}

// addressesOf reads addresses that have commas between them.
func addressesOf(list string) ([]netip.Addr, error) {
	var all []netip.Addr
	for text := range strings.SplitSeq(list, ",") {
		if text == "" {
			continue
		}
		a, err := netip.ParseAddr(text)
		if err != nil {
			return nil, err
		}
		all = append(all, a)
	}
	return all, nil
}

func addressList(all []netip.Addr) string {
	texts := make([]string, len(all))
	for i, a := range all {
		texts[i] = a.String()
	}
	return strings.Join(texts, ",")
}

// SetHosts makes these the hosts that there are, and writes to the rows of those alone that have changed.
func SetHosts(tx *Tx, hosts []*Host, now model.Time) error {
	before, err := Hosts(tx)
	if err != nil {
		return err
	}
	gone := make(map[model.AgentID]*Host, len(before))
	for _, h := range before {
		gone[h.ID] = h
	}
	zones := false // whether they may be others
	for _, h := range hosts {
		if old := gone[h.ID]; old == nil || !h.same(old) {
			if err := putHost(tx, h); err != nil {
				return err
			}
			zones = zones || old == nil || old.Zone != h.Zone
		}
		delete(gone, h.ID)
	}
	for id := range gone {
		if _, err := tx.Exec(`DELETE FROM hosts WHERE id = ?`, id.String()); err != nil {
			return err
		}
	}
	if zones || len(gone) > 0 {
		if err := setZones(tx, zonesOf(hosts)); err != nil {
			return err
		}
	}
	_, err = tx.Exec(`UPDATE hosts SET seen_at = ? WHERE alive`, timeText(now))
	return err
}

// same reports whether two rows are equal but for when the host was seen.
func (h *Host) same(o *Host) bool {
	return h.Name == o.Name && h.Zone == o.Zone && slices.Equal(h.Endpoints, o.Endpoints) && h.Alive == o.Alive && h.Version == o.Version &&
		timeText(h.StartedAt) == timeText(o.StartedAt)
}

func putHost(tx *Tx, h *Host) error {
	if _, err := tx.Exec(`DELETE FROM hosts WHERE id = ?`, h.ID.String()); err != nil {
		return err
	}
	_, err := tx.Exec(`INSERT INTO hosts (id, name, zone, endpoints, alive, version, started_at, seen_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?)`,
		h.ID.String(), h.Name, h.Zone, addressList(h.Endpoints), h.Alive, h.Version, timeText(h.StartedAt), timeText(h.SeenAt))
	return err
}

// Zones returns the availability zones that hosts are in, sorted.
func Zones(q Querier) (zones []string, err error) {
	if tx, ok := q.(*Tx); ok && tx.opening != nil {
		return slices.Clone(tx.opening.zones), nil
	}
	err = q.QueryRow(`SELECT ` + everyZone).Scan(scanZones{&zones})
	return zones, err
}

// everyZone is the column of the zones that an item is in, which are all: a network is wherever its ports are, and a router on every host.
const everyZone = "(SELECT z.zones FROM midonet_zones z WHERE z.id = 1)"

// zonesOf returns the zones of hosts, sorted.
func zonesOf(hosts []*Host) (zones []string) {
	for _, h := range hosts {
		if h.Zone != "" {
			zones = append(zones, h.Zone)
		}
	}
	slices.Sort(zones)
	return slices.Compact(zones)
}

// zoneList is a list of zones as a column has it.
func zoneList(zones []string) string {
	if len(zones) == 0 {
		return "[]"
	}
	var text strings.Builder
	e := json.NewEncoder(&text)
	e.SetEscapeHTML(false)                  // the column has room for what the API takes, without escapes
	if err := e.Encode(zones); err != nil { // texts have a JSON form
		panic(err)
	}
	return strings.TrimSpace(text.String())
}

// scanZones reads a column that zoneList wrote.
type scanZones struct{ to *[]string }

// Scan implements sql.Scanner.
func (s scanZones) Scan(v any) error { return s.scanText(textOf(v)) }

func (s scanZones) scanText(text string) error {
	if text == "[]" {
		*s.to = []string{}
		return nil
	}
	return json.Unmarshal([]byte(text), s.to)
}
