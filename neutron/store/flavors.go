package store

import (
	"midonet.org/midonet/neutron/model"
	"midonet.org/midonet/neutron/plugin"
)

var flavors = table[model.Flavor]{
	from:    "flavors t",
	columns: []string{"t.id", "t.name", "t.description", "t.service_type", "t.enabled"},
	attrs: map[string]column{
		"id":           {"t.id", text},
		"name":         {"t.name", text},
		"description":  {"t.description", optional},
		"service_type": {"t.service_type", text},
		"enabled":      {"t.enabled", boolean},
	},
	scan: func(rows row) (*model.Flavor, error) {
		f := &model.Flavor{ServiceProfiles: []model.ServiceProfileID{}}
		return f, rows.Scan(textual(&f.ID), &f.Name, &f.Description, &f.ServiceType, &f.Enabled)
	},
	parts: []part[model.Flavor]{
		{columns: []string{"service_profile_id"}, from: "flavorserviceprofilebindings WHERE flavor_id = t.id", add: addProfile},
	},
}

func addProfile(f *model.Flavor, r row) error {
	var profile model.ServiceProfileID
	err := r.Scan(textual(&profile))
	f.ServiceProfiles = append(f.ServiceProfiles, profile)
	return err
}

var serviceProfiles = table[model.ServiceProfile]{
	from:    "serviceprofiles t",
	columns: []string{"t.id", "t.description", "t.driver", "t.metainfo", "t.enabled"},
	attrs: map[string]column{
		"id":          {"t.id", text},
		"description": {"t.description", optional},
		"driver":      {"t.driver", text},
		"metainfo":    {"t.metainfo", optional},
		"enabled":     {"t.enabled", boolean},
	},
	scan: func(rows row) (*model.ServiceProfile, error) {
		p := &model.ServiceProfile{}
		return p, rows.Scan(textual(&p.ID), &p.Description, &p.Driver, &p.Metainfo, &p.Enabled)
	},
}

// Flavor returns a flavor, or ErrNotFound.
func Flavor(q Querier, flavorID string) (*model.Flavor, error) {
	return flavors.get(q, flavorID, Scope{})
}

// ListFlavors answers a list request.
func ListFlavors(q Querier, want plugin.Query) ([]*model.Flavor, error) {
	return flavors.list(q, Scope{}, want)
}

// LockFlavor waits until no one else changes a flavor or what it has, and keeps others off it. One that is not there is no error.
func LockFlavor(tx *Tx, flavorID string) error {
	return tx.lock(`SELECT id FROM flavors WHERE id = ?`, flavorID)
}

// InsertFlavor stores a new flavor.
func InsertFlavor(tx *Tx, f *model.Flavor) error {
	_, err := tx.Exec(`INSERT INTO flavors (id, name, description, service_type, enabled) VALUES (?, ?, ?, ?, ?)`,
		f.ID.String(), f.Name, f.Description, f.ServiceType, f.Enabled)
	return err
}

// UpdateFlavor stores what may be changed of a flavor.
func UpdateFlavor(tx *Tx, f *model.Flavor) error {
	_, err := tx.Exec(`UPDATE flavors SET name = ?, description = ?, enabled = ? WHERE id = ?`,
		f.Name, f.Description, f.Enabled, f.ID.String())
	return err
}

// DeleteFlavor removes a flavor and what it has, or returns ErrNotFound.
func DeleteFlavor(tx *Tx, flavorID string) error {
	return tx.deleteOne(`DELETE FROM flavors WHERE id = ?`, flavorID)
}

// ServiceProfile returns a service profile, or ErrNotFound.
func ServiceProfile(q Querier, profileID string) (*model.ServiceProfile, error) {
	return serviceProfiles.get(q, profileID, Scope{})
}

// ListServiceProfiles answers a list request.
func ListServiceProfiles(q Querier, want plugin.Query) ([]*model.ServiceProfile, error) {
	return serviceProfiles.list(q, Scope{}, want)
}

// LockServiceProfile waits until no one else changes a profile or gives it to a flavor, and keeps others off it. One that is not there is
// no error.
func LockServiceProfile(tx *Tx, profileID string) error {
	return tx.lock(`SELECT id FROM serviceprofiles WHERE id = ?`, profileID)
}

// InsertServiceProfile stores a new profile.
func InsertServiceProfile(tx *Tx, p *model.ServiceProfile) error {
	_, err := tx.Exec(`INSERT INTO serviceprofiles (id, description, driver, metainfo, enabled) VALUES (?, ?, ?, ?, ?)`,
		p.ID.String(), p.Description, p.Driver, p.Metainfo, p.Enabled)
	return err
}

// UpdateServiceProfile stores a profile that was read and changed.
func UpdateServiceProfile(tx *Tx, p *model.ServiceProfile) error {
	_, err := tx.Exec(`UPDATE serviceprofiles SET description = ?, driver = ?, metainfo = ?, enabled = ? WHERE id = ?`,
		p.Description, p.Driver, p.Metainfo, p.Enabled, p.ID.String())
	return err
}

// DeleteServiceProfile removes a profile, or returns ErrNotFound. One that a flavor has violates Reference.
func DeleteServiceProfile(tx *Tx, profileID string) error {
	return tx.deleteOne(`DELETE FROM serviceprofiles WHERE id = ?`, profileID)
}

// ServiceProfileInUse reports whether a flavor has the profile.
func ServiceProfileInUse(q Querier, profileID string) (used bool, err error) {
	err = q.QueryRow(`SELECT EXISTS (SELECT 1 FROM flavorserviceprofilebindings WHERE service_profile_id = ?)`, profileID).Scan(&used)
	return used, err
}

// AddFlavorProfile gives a flavor a profile. Both are there, and the flavor does not have it yet.
func AddFlavorProfile(tx *Tx, flavor model.FlavorID, profile model.ServiceProfileID) error {
	_, err := tx.Exec(`INSERT INTO flavorserviceprofilebindings (flavor_id, service_profile_id) VALUES (?, ?)`,
		flavor.String(), profile.String())
	return err
}

// RemoveFlavorProfile takes a profile from a flavor, or returns ErrNotFound where it does not have it.
func RemoveFlavorProfile(tx *Tx, flavorID, profileID string) error {
	return tx.deleteOne(`DELETE FROM flavorserviceprofilebindings WHERE flavor_id = ? AND service_profile_id = ?`, flavorID, profileID)
}
