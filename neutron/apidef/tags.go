package apidef

import (
	"fmt"
	"slices"
	"strings"
)

// tagSize is the length of a tag in characters (neutron/extensions/tagging.py, MAX_TAG_LEN).
const tagSize = 255

// tagged is what resources with tags have (extension standard-attr-tag). Tags are written below the resource's path; a port may also be
// made with some (tag-ports-during-bulk-creation).
func tagged() []Attribute {
	filter := func(name, help string) Attribute {
		return Attribute{Name: name, Type: List, Help: help, Filter: true, FilterOnly: true}
	}
	return []Attribute{
		{Name: "tags", Type: List, Help: "Its tags; as a filter, with commas between them: it has all of these.", Filter: true},
		filter("tags-any", "It has one of these tags."),
		filter("not-tags", "It does not have all of these tags."),
		filter("not-tags-any", "It has none of these tags."),
	}
}

// taggedFromBirth is tagged for a resource that may be made with tags.
func taggedFromBirth() []Attribute {
	attrs := tagged()
	attrs[0].Create, attrs[0].Default, attrs[0].Validate = true, []any{}, uniqueTags
	return attrs
}

// Tags checks the value of tags that a client sets.
func Tags(v any) ([]string, error) {
	if reason := uniqueTags(v); reason != "" {
		return nil, InvalidInput("%s", reason)
	}
	var tags []string
	for _, tag := range v.([]any) {
		tags = append(tags, tag.(string))
	}
	return tags, nil
}

// Tag checks a tag that stands in a path.
func Tag(tag string) error {
	if reason := stringUpTo(tagSize)(tag); reason != "" {
		return InvalidInput("%s", reason)
	}
	return nil
}

// uniqueTags are any number of different tags.
var uniqueTags = uniqueStrings(tagSize)

// uniqueStrings is validate_list_of_unique_strings: strings of at most size characters.
func uniqueStrings(size int) Validator {
	return func(v any) string {
		list, ok := v.([]any)
		if !ok {
			return fmt.Sprintf("'%s' is not a list", text(v))
		}
		var seen, twice []string
		for _, e := range list {
			if reason := stringUpTo(size)(e); reason != "" {
				return reason
			}
			s := e.(string)
			if slices.Contains(seen, s) && !slices.Contains(twice, s) {
				twice = append(twice, s)
			}
			seen = append(seen, s)
		}
		if len(twice) > 0 {
			return fmt.Sprintf("Duplicate items in the list: '%s'", strings.Join(twice, ", "))
		}
		return ""
	}
}
