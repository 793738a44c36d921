package api

import (
	"io"
	"net/http"
)

// healthPath is where Debian's api-paste.ini has oslo.middleware's healthcheck.
const healthPath = "/healthcheck"

// health answers a load balancer, which has no token, as oslo.middleware does where no check of its own fails: this server takes
// requests. What it depends on is left out on purpose, as there: a database that is away is away for every server behind the balancer.
func health(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Content-Type", "text/plain; charset=UTF-8")
	if r.Method != http.MethodGet && r.Method != http.MethodHead {
		w.Header().Set("Allow", "GET, HEAD")
		w.WriteHeader(http.StatusMethodNotAllowed)
		return
	}
	io.WriteString(w, "OK") // a client that has gone needs none
}
