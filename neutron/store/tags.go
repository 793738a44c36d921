package store

import (
	"database/sql"
	"slices"
	"strings"

	"github.com/huandu/go-sqlbuilder"

	"midonet.org/midonet/neutron/model"
	"midonet.org/midonet/neutron/plugin"
)

// tagFilter renders the filters by tags, whose values are tags with commas between them: all of them, any, and the opposites. ok is
// false for other filters (neutron/objects/tag.py, _apply_tag_filters).
func tagFilter(b *sqlbuilder.SelectBuilder, f plugin.Filter) (condition string, ok bool) {
	tags := splitTags(f.Values)
	switch f.Attr {
	case "tags":
		return allTags(b, tags), true
	case "not-tags":
		return "NOT " + allTags(b, tags), true
	case "tags-any":
		return anyTag(b, tags), true
	case "not-tags-any":
		return "NOT " + anyTag(b, tags), true
	}
	return "", false
}

// splitTags returns the tags that the values of a filter name, each once.
func splitTags(values []string) []any {
	all := strings.Split(strings.Join(values, ","), ",")
	slices.Sort(all)
	var tags []any
	for _, tag := range slices.Compact(all) {
		tags = append(tags, tag)
	}
	return tags
}

func allTags(b *sqlbuilder.SelectBuilder, tags []any) string {
	parts := make([]string, len(tags))
	for i, tag := range tags {
		parts[i] = "t.id IN (SELECT resource_id FROM tags WHERE " + b.Equal("tag", tag) + ")"
	}
	return "(" + b.And(parts...) + ")"
}

func anyTag(b *sqlbuilder.SelectBuilder, tags []any) string {
	return "(t.id IN (SELECT resource_id FROM tags WHERE " + b.In("tag", tags...) + "))"
}

// tagged is a pointer to a resource with tags.
type tagged interface{ TagList() *[]string }

// loadTags fills in the tags of all the items at once, where their type has tags.
func loadTags[T any](q Querier, items []*T) error {
	if _, ok := any(items[0]).(tagged); !ok {
		return nil
	}
	byID, owners := make(map[string]*[]string, len(items)), make([]any, len(items))
	for i, item := range items {
		id, _ := model.AppendAttribute(nil, item, "id")
		owner := strings.Trim(string(id), `"`)
		byID[owner], owners[i] = any(item).(tagged).TagList(), owner
	}
	return eachChild(q, "SELECT resource_id, tag FROM tags WHERE resource_id IN (%s) ORDER BY resource_id, tag", owners,
		func(rows *sql.Rows) error {
			var owner, tag string
			if err := rows.Scan(&owner, &tag); err != nil {
				return err
			}
			*byID[owner] = append(*byID[owner], tag)
			return nil
		})
}

// Tags returns a resource's tags.
func Tags(q Querier, resourceID string) ([]string, error) {
	rows, err := collect(q, scanID, `SELECT tag FROM tags WHERE resource_id = ? ORDER BY tag`, resourceID)
	tags := make([]string, len(rows))
	for i, tag := range rows {
		tags[i] = *tag
	}
	return tags, err
}

// LockTagged keeps others from changing a resource of a collection and its tags; ErrNotFound where it is not there.
func LockTagged(tx *Tx, collection, resourceID string) error {
	rows, err := collect(tx, scanID, `SELECT id FROM `+revised[collection]+` WHERE id = ?`+tx.d.Locking(Change), resourceID)
	if err == nil && len(rows) == 0 {
		err = ErrNotFound
	}
	return err
}

// SetTags makes a resource's tags others than they were and counts its revision up. The resource is locked.
func SetTags(tx *Tx, collection, resourceID string, add, remove []string, now model.Time) error {
	if err := AddTags(tx, resourceID, add); err != nil {
		return err
	}
	for _, tag := range remove {
		if _, err := tx.Exec(`DELETE FROM tags WHERE resource_id = ? AND tag = ?`, resourceID, tag); err != nil {
			return err
		}
	}
	_, err := tx.Exec(`UPDATE `+revised[collection]+` SET revision_number = revision_number + 1, updated_at = ? WHERE id = ?`,
		timeText(now), resourceID)
	return err
}

// AddTags gives a resource tags that it does not have.
func AddTags(tx *Tx, resourceID string, tags []string) error {
	for _, tag := range tags {
		if _, err := tx.Exec(`INSERT INTO tags (resource_id, tag) VALUES (?, ?)`, resourceID, tag); err != nil {
			return err
		}
	}
	return nil
}

// deleteTagged removes one row and the tags of its resource, or returns ErrNotFound where another transaction has.
func (tx *Tx) deleteTagged(query, id string) error {
	if err := tx.deleteOne(query, id); err != nil {
		return err
	}
	_, err := tx.Exec(`DELETE FROM tags WHERE resource_id = ?`, id)
	return err
}
