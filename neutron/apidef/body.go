package apidef

import (
	"slices"
	"strings"

	"midonet.org/midonet/errs"
)

// BadRequest is webob's HTTPBadRequest, which Neutron raises for what is wrong with a body or a query as such.
func BadRequest(format string, args ...any) error {
	return errs.New(errs.Invalid, "HTTPBadRequest", format, args...)
}

// Values are the checked attributes of one request, in canonical form and under their own names (project_id, never tenant_id).
type Values map[string]any

// Owner is who makes a request, as far as it matters to who may own what is created.
type Owner struct {
	ProjectID string
	Admin     bool
}

// CheckCreate checks and converts the attributes that a POST gives, and returns them with the defaults of those that it does not
// give. given says which are the client's (neutron/api/v2/base.py, prepare_request_body).
func (r *Resource) CheckCreate(body map[string]any, owner Owner) (values Values, given map[string]bool, err error) {
	values, err = r.ownAttributes(body, owner)
	if err != nil {
		return nil, nil, err
	}
	given = givenIn(values)
	if project, ok := values["project_id"]; r.byName["project_id"] != nil && (!ok || project == "") {
		if owner.ProjectID == "" {
			return nil, nil, BadRequest("Running without keystone AuthN requires that tenant_id is specified")
		}
		values["project_id"] = owner.ProjectID
	}
	if err := r.fillDefaults(values); err != nil {
		return nil, nil, err
	}
	return values, given, r.convert(values)
}

// CheckUpdate checks and converts the attributes that a PUT gives.
func (r *Resource) CheckUpdate(body map[string]any, owner Owner) (values Values, given map[string]bool, err error) {
	values, err = r.ownAttributes(body, owner)
	if err != nil {
		return nil, nil, err
	}
	given = givenIn(values)
	for _, a := range r.Attributes {
		if given[r.Canonical(a.Name)] && !a.Update { // of two names the first is refused, whichever was given
			return nil, nil, BadRequest("Cannot update read-only attribute %s", a.Name)
		}
	}
	return values, given, r.convert(values)
}

// ownAttributes returns the body's attributes under their own names. It refuses unknown names, two different owners, and an owner
// that the caller may not name (neutron-lib api/attributes.py: populate_project_id, verify_attributes).
func (r *Resource) ownAttributes(body map[string]any, owner Owner) (Values, error) {
	values := Values{}
	var unknown []string
	for name, value := range body {
		if a := r.byName[name]; a == nil || a.Internal {
			unknown = append(unknown, name)
			continue
		}
		own := r.Canonical(name)
		if other, ok := values[own]; ok && repr(other) != repr(value) {
			return nil, BadRequest("'project_id' and 'tenant_id' do not match")
		}
		values[own] = value
	}
	if project, ok := values["project_id"]; ok && !owner.Admin && (project != owner.ProjectID || owner.ProjectID == "") {
		return nil, BadRequest("Specifying 'project_id' or 'tenant_id' other than the authenticated project in request requires " +
			"admin or advsvc privileges")
	}
	if len(unknown) > 0 {
		slices.Sort(unknown)
		return nil, BadRequest("Unrecognized attribute(s) '%s'", strings.Join(unknown, ", "))
	}
	return values, nil
}

func givenIn(values Values) map[string]bool {
	given := make(map[string]bool, len(values))
	for name := range values {
		given[name] = true
	}
	return given
}

// fillDefaults is fill_post_defaults.
func (r *Resource) fillDefaults(values Values) error {
	for _, a := range r.Attributes {
		_, ok := values[a.Name]
		switch {
		case ok && !a.Create:
			return BadRequest("Attribute '%s' not allowed in POST", a.Name)
		case !ok && a.Required:
			return BadRequest("Failed to parse request. Required attribute '%s' not specified", a.Name)
		case !ok && a.Default != nil:
			values[a.Name] = a.Default
		}
	}
	return nil
}

// convert is convert_values: each attribute is converted and then validated, in the order of the definition.
func (r *Resource) convert(values Values) error {
	for _, a := range r.Attributes {
		value, ok := values[a.Name]
		if !ok {
			continue
		}
		value, err := a.check(value)
		if err != nil {
			return err
		}
		values[a.Name] = value
	}
	return nil
}

func (a *Attribute) check(value any) (any, error) {
	if a.Convert != nil {
		v, err := a.Convert(value)
		if err != nil {
			return nil, err
		}
		value = v
	}
	if a.Validate == nil {
		return value, nil
	}
	if reason := a.Validate(value); reason != "" {
		return nil, BadRequest("Invalid input for %s. Reason: %s.", a.Name, reason)
	}
	return value, nil
}

// FilterText brings one value of a filter into its canonical text: True or False, a canonical address, a whole number.
func (a *Attribute) FilterText(s string) (string, error) {
	if a.ConvertFilter != nil {
		return a.ConvertFilter(s)
	}
	if a.Convert == nil {
		return s, nil
	}
	v, err := a.Convert(s)
	if n, ok := WholeNumber(s); err != nil && ok && a.Type == Integer { // larger than any attribute: nothing has it
		return n.String(), nil
	}
	if err != nil {
		return "", err
	}
	return text(v), nil
}
