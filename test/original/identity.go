package original

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"
)

// Caller is a project and what its user may be; the zero value is nobody.
type Caller struct {
	Project string
	Roles   []string
}

// Identify says who asks: to neutron-server by the headers that its token middleware would set, and to ours by a token that the identity
// service of Keystone reads.
func (c Caller) Identify(r *http.Request) {
	if c.Project == "" {
		return
	}
	roles := strings.Join(c.Roles, ",")
	r.Header.Set("X-User-Id", "user-of-"+c.Project)
	r.Header.Set("X-Project-Id", c.Project)
	r.Header.Set("X-Roles", roles)
	r.Header.Set("X-Auth-Token", c.Project+" "+roles)
}

// Keystone starts an identity service whose tokens are PROJECT ROLE,ROLE, and returns the part of neutron.conf that points a server at it.
func Keystone(t testing.TB) string {
	t.Helper()
	identity := httptest.NewServer(http.HandlerFunc(answerForIdentity))
	t.Cleanup(identity.Close)
	return fmt.Sprintf(`[DEFAULT]
auth_strategy = keystone
[keystone_authtoken]
auth_url = %s
username = neutron
password = secret
project_name = service
user_domain_id = default
project_domain_id = default
`, identity.URL)
}

// answerForIdentity logs everyone in and finds every token valid.
func answerForIdentity(w http.ResponseWriter, r *http.Request) {
	subject := r.Header.Get("X-Subject-Token")
	if r.Method == http.MethodPost {
		subject = "service service"
		w.Header().Set("X-Subject-Token", subject)
		w.WriteHeader(http.StatusCreated)
	}
	project, roles, _ := strings.Cut(subject, " ")
	var named []map[string]string
	for _, role := range strings.Split(roles, ",") {
		named = append(named, map[string]string{"name": role})
	}
	json.NewEncoder(w).Encode(map[string]any{"token": map[string]any{
		"expires_at": time.Now().Add(time.Hour).UTC(), "roles": named,
		"user":    map[string]string{"id": "user-of-" + project},
		"project": map[string]string{"id": project},
	}})
}
