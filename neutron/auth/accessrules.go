package auth

import (
	"net/http"
	"regexp"
	"strings"
)

// accessRule is a request that an application credential may make. In the path, * and {name} stand for one part, ** for any number
// (keystonemiddleware/auth_token, _path_matches).
type accessRule struct {
	Service string `json:"service"`
	Method  string `json:"method"`
	Path    string `json:"path"`
}

// pathWords are what is special in the path of an access rule.
var pathWords = regexp.MustCompile(`\{[^}]*\}|\*\*|\*`)

// allows reports whether the rule lets the request through to a service of that type.
func (a accessRule) allows(serviceType string, r *http.Request) bool {
	return a.Service == serviceType && a.Method == r.Method && a.matches(r.URL.Path)
}

func (a accessRule) matches(path string) bool {
	var expression strings.Builder
	rest := 0
	for _, at := range pathWords.FindAllStringIndex(a.Path, -1) {
		expression.WriteString(regexp.QuoteMeta(a.Path[rest:at[0]]))
		if a.Path[at[0]:at[1]] == "**" {
			expression.WriteString(".*")
		} else {
			expression.WriteString("[^/]+")
		}
		rest = at[1]
	}
	expression.WriteString(regexp.QuoteMeta(a.Path[rest:]))
	matched, err := regexp.MatchString("^"+expression.String()+"$", path)
	return err == nil && matched
}
