package store

import (
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

// allTags counts the tags rather than ask for each: engines refuse conditions of a thousand parts.
func allTags(b *sqlbuilder.SelectBuilder, tags []any) string {
	if len(tags) == 1 {
		return anyTag(b, tags)
	}
	return "(t.id IN (SELECT resource_id FROM tags WHERE " + b.In("tag", tags...) + " GROUP BY resource_id HAVING COUNT(*) = " +
		b.Var(len(tags)) + "))"
}

func anyTag(b *sqlbuilder.SelectBuilder, tags []any) string {
	return "(t.id IN (SELECT resource_id FROM tags WHERE " + b.In("tag", tags...) + "))"
}

// tagsOf are the tags of a resource. MySQL has them as octets.
func tagsOf[T any](list func(*T) *[]string) part[T] {
	return part[T]{columns: []string{"HEX(tag)"}, longest: shortRow + 2*1020, from: "tags WHERE resource_id = t.id", add: func(item *T, r row) error {
		var tag string
		if err := r.Scan(octets{&tag}); err != nil {
			return err
		}
		*list(item) = append(*list(item), tag)
		return nil
	}}
}

// Tags returns a resource's tags.
func Tags(q Querier, resourceID string) ([]string, error) {
	return texts(q, `SELECT tag FROM tags WHERE resource_id = ? ORDER BY tag`, resourceID)
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
	_, err := tx.Exec(`UPDATE `+revised[collection]+` SET revision_number = revision_number + 1, updated_at = ?, stamp = ? WHERE id = ?`,
		timeText(now), newStamp(), resourceID)
	if err == nil && collection == "security_group_rules" { // which their group shows
		_, err = tx.Exec(`UPDATE securitygroups SET stamp = ? WHERE id = (SELECT security_group_id FROM securitygrouprules WHERE id = ?)`,
			newStamp(), resourceID)
	}
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
