package store

import (
	"context"
	"database/sql"

	"midonet.org/midonet/neutron/model"
)

// opening is what most transactions that make something for a project ask before anything else. They learn it by the statement that asks for the
// gate: what a small statement costs is the way to an engine and back.
type opening struct {
	project string
	limits  []*QuotaLimit
	group   model.SecurityGroupID // the project's default one; zero: it has none
	zones   []string
}

type makingKey struct{}

// Making returns a context for transactions that make something for a project, which know its limits, its default group and the zones from
// their beginning on: QuotaLimits, DefaultSecurityGroup and Zones do not ask for them again.
func Making(ctx context.Context, project string) context.Context {
	return context.WithValue(ctx, makingKey{}, project)
}

// openingOf returns the project that a context's transactions make something for.
func openingOf(ctx context.Context) *string {
	if project, ok := ctx.Value(makingKey{}).(string); ok {
		return &project
	}
	return nil
}

// enter asks for the gate, and with a project for its opening.
func (tx *Tx) enter(project *string) (readOnly bool, err error) {
	columns, args, targets := "readonly", []any(nil), []any{&readOnly}
	var o *opening
	if project != nil {
		o = &opening{project: *project}
		columns += ", " + packedRows(tx.d, []string{"resource", "hard_limit"}, shortRow, "quotas WHERE project_id = ?") +
			", (SELECT security_group_id FROM default_security_group WHERE project_id = ?), " + everyZone
		args = append(args, o.project, o.project)
		targets = append(targets, rowsInto{o.addLimit}, textual(&o.group), scanZones{&o.zones})
	}
	err = tx.QueryRow(`SELECT `+columns+` FROM midonet_gate WHERE id = 1`+tx.d.Locking(Keep), args...).Scan(targets...)
	if err == nil {
		tx.opening = o
	}
	return readOnly, tx.noted(err)
}

func (o *opening) addLimit(r row) error {
	l := &QuotaLimit{Project: o.project}
	o.limits = append(o.limits, l)
	return r.Scan(&l.Resource, &l.Limit)
}

// rowsInto reads a column of packed rows.
type rowsInto struct{ add func(row) error }

var _ sql.Scanner = rowsInto{}

// Scan implements sql.Scanner.
func (s rowsInto) Scan(v any) error {
	text := textOf(v)
	if text == "" {
		return nil
	}
	return eachRow(&packed{}, text, 0, s.add)
}

// opened returns what a transaction has learned of a project at its beginning; nil: nothing.
func opened(q Querier, project string) *opening {
	if tx, ok := q.(*Tx); ok && tx.opening != nil && tx.opening.project == project {
		return tx.opening
	}
	return nil
}
