package apidef

// Sizes of the database's columns, in characters (neutron-lib db/constants.py).
const (
	nameSize        = 255
	ProjectIDSize   = 255
	descriptionSize = 255
	deviceIDSize    = 255
	deviceOwnerSize = 255
)

// identifier is what identifies a resource that has no name.
func identifier() []Attribute {
	return []Attribute{{Name: "id", Type: UUID, Help: "Identifier, assigned by the server.",
		Validate: isUUID, Filter: true, Sort: true, PrimaryKey: true}}
}

// identity is what identifies every resource: its id and its name.
func identity() []Attribute {
	return append(identifier(), []Attribute{
		{Name: "name", Type: String, Help: "Name for people; it need not be unique.",
			Create: true, Update: true, Default: "", Validate: stringUpTo(nameSize), Filter: true, Sort: true},
	}...)
}

// standard is what every resource carries: its owner under both names (extension project-id) and the standard attributes
// (neutron/extensions/standardattrdescription.py, timestamp.py and revisions.py).
func standard() []Attribute {
	return []Attribute{
		{Name: "tenant_id", Type: String, Help: "The older name of project_id.", Alias: "project_id",
			Create: true, Validate: stringUpTo(ProjectIDSize), Filter: true, Sort: true},
		{Name: "project_id", Type: String, Help: "The project that owns it. Only an administrator may name another than its own.",
			Create: true, Validate: stringUpTo(ProjectIDSize), Filter: true, Sort: true},
		{Name: "description", Type: String, Help: "Description for people.",
			Create: true, Update: true, Default: "", Validate: stringUpTo(descriptionSize), Filter: true},
		{Name: "created_at", Type: Time, Help: "When it was created, UTC."},
		{Name: "updated_at", Type: Time, Help: "When it was changed last, UTC."},
		{Name: "revision_number", Type: Integer, Help: "Grows with each change.", Filter: true},
		{Name: "changed_since", Type: Time, Help: "It was changed last at this time or after it.",
			Filter: true, FilterOnly: true, ConvertFilter: toTime},
	}
}

// adminState is the switch that networks and ports have.
func adminState() Attribute {
	return Attribute{Name: "admin_state_up", Type: Boolean, Help: "Whether it forwards packets.",
		Create: true, Update: true, Default: true, Convert: toBoolean, Filter: true, Sort: true}
}

// projectFirst has project_id before tenant_id, as definitions of newer extensions do: of the two the first is named in a refusal.
func projectFirst(attributes []Attribute) []Attribute {
	for i := range attributes[1:] {
		if attributes[i].Name == "tenant_id" {
			attributes[i], attributes[i+1] = attributes[i+1], attributes[i]
			break
		}
	}
	return attributes
}
