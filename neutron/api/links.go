package api

import (
	"net/http"
	"net/url"
	"strings"
)

// link is an entry of a links list.
type link struct {
	Rel  string `json:"rel"`
	Href string `json:"href"`
}

// baseURL is the scheme and host that the client used, or network_link_prefix (neutron/api/api_common.py, get_path_url and
// prepare_url).
func (s *Server) baseURL(r *http.Request) string {
	if s.config.LinkPrefix != "" {
		return strings.TrimSuffix(s.config.LinkPrefix, "/")
	}
	scheme := "http"
	if r.TLS != nil {
		scheme = "https"
	}
	if proto := r.Header.Get("X-Forwarded-Proto"); proto == "http" || proto == "https" {
		scheme = proto
	}
	return scheme + "://" + r.Host
}

// pageLinks are the links of a page whose first and last items have the given ids (get_pagination_links). As in Neutron, a full page
// has a next one, which may turn out to be empty, and a page has a previous one even where it is the first.
func (s *Server) pageLinks(r *request, count, limit int, reverse bool, first, last string) []link {
	var links []link
	path := s.baseURL(r.Request) + r.URL.EscapedPath()
	if reverse || count >= limit {
		links = append(links, link{"next", path + "?" + r.query.page(last, false).encode()})
	}
	if !reverse || count >= limit {
		links = append(links, link{"previous", path + "?" + r.query.page(first, true).encode()})
	}
	return links
}

// page is the query for the page after (or, in reverse, before) the marker; an empty marker starts at the end.
func (q query) page(marker string, reverse bool) query {
	var out query
	for _, p := range q {
		if p.key != "marker" && p.key != "page_reverse" {
			out = append(out, p)
		}
	}
	if marker != "" {
		out = append(out, parameter{"marker", marker})
	}
	if reverse {
		out = append(out, parameter{"page_reverse", "True"})
	}
	return out
}

func (q query) encode() string {
	parts := make([]string, len(q))
	for i, p := range q {
		parts[i] = url.QueryEscape(p.key) + "=" + url.QueryEscape(p.value)
	}
	return strings.Join(parts, "&")
}
