package api

import (
	"regexp"
	"strconv"
	"strings"

	"midonet.org/midonet/neutron/plugin"
)

// revisionTag is what an entity tag begins with that names a revision: If-Match: revision_number=5, with or without quotes.
const revisionTag = "revision_number="

// entityTag is one of a list of tags in quotes, with W/ before it where it is weak (webob/etag.py).
var entityTag = regexp.MustCompile(`(?:^|\s)(W/)?"((?:\\"|.)*?)"`)

// strongTags returns the tags of an If-Match header that are not weak. Without quotes the header is one tag.
func strongTags(header string) []string {
	found := entityTag.FindAllStringSubmatch(header, -1)
	if found == nil {
		return []string{header}
	}
	var tags []string
	for _, f := range found {
		if f[1] == "" {
			tags = append(tags, f[2])
		}
	}
	return tags
}

// revisionOf returns the revision that the request's If-Match header names, if it does (neutron/api/api_common.py,
// check_request_for_revision_constraint).
func revisionOf(r *request) (revision int64, named bool, err error) {
	for _, tag := range strongTags(r.Header.Get("If-Match")) {
		number, ok := strings.CutPrefix(tag, revisionTag)
		if !ok {
			continue
		}
		if named {
			return 0, false, badParameter("if-match", "Multiple revision_number etags are not supported")
		}
		if revision, err = strconv.ParseInt(strings.TrimSpace(number), 10, 64); err != nil {
			return 0, false, badParameter("if-match", "Revision number etag must be in the format of revision_number=<int>")
		}
		named = true
	}
	return revision, named, nil
}

// onlyIf makes the request depend on the revision that it names.
func (c *controller[T]) onlyIf(r *request, id string) error {
	revision, named, err := revisionOf(r)
	if err != nil || !named {
		return err
	}
	condition := &plugin.Condition{Collection: c.def.Collection, ID: id, Revision: revision}
	r.Request = r.WithContext(plugin.OnlyIf(r.Context(), condition))
	return nil
}
