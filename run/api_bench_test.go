package run

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"midonet.org/midonet/neutron/store/storetest"
)

// BenchmarkAPI measures requests through the whole of the Networking API, without sockets and without a cluster, as an administrator. Of
// lists, the bytes are those of the answer. CPU time is the process's, so it leaves out what MariaDB uses.
func BenchmarkAPI(b *testing.B) {
	for _, engine := range []struct {
		name string
		open func(testing.TB) string
	}{
		{"SQLite", storetest.SQLite},
		{"MariaDB", func(t testing.TB) string { return storetest.StartMariaDB(t).New(t) }},
	} {
		b.Run(engine.name, func(b *testing.B) {
			unlimited := filepath.Join(b.TempDir(), "neutron.conf")
			check(b, os.WriteFile(unlimited, []byte("[quotas]\nquota_network = -1\nquota_port = -1\nquota_router = -1\n"), 0o600))
			benchmarkAPI(b, newWorldOn(b, engine.open(b), unlimited))
		})
	}
}

func benchmarkAPI(b *testing.B, w *world) {
	many := w.make(b, "admin", "networks", `"name":"ports"`)
	w.make(b, "admin", "subnets", `"network_id":"`+many+`","ip_version":4,"cidr":"10.0.0.0/16"`)
	port := w.make(b, "admin", "ports", `"network_id":"`+many+`"`)
	w.fill(b, "networks", 10, `"name":"few"`)
	w.fill(b, "networks", 1000, `"name":"many"`)
	w.fill(b, "networks", 3000, `"name":"other"`)
	w.fill(b, "ports", 700, `"network_id":"`+many+`"`)
	for _, r := range []struct{ name, method, path, body string }{
		{"list10Networks", "GET", "networks?name=few", ""},
		{"list1000Networks", "GET", "networks?name=many", ""},
		{"list700Ports", "GET", "ports?network_id=" + many, ""},
		{"getPort", "GET", "ports/" + port, ""},
		{"createNetwork", "POST", "networks", `{"network":{"name":"made"}}`},
		{"createRouter", "POST", "routers", `{"router":{"name":"made"}}`},
		{"createPort", "POST", "ports", `{"port":{"network_id":"` + many + `"}}`},
		{"updatePort", "PUT", "ports/" + port, `{"port":{"name":"made"}}`},
	} {
		b.Run(r.name, func(b *testing.B) {
			began := cpuTime()
			for b.Loop() {
				b.SetBytes(w.answered(b, r.method, r.path, r.body))
			}
			b.ReportMetric(float64((cpuTime()-began).Microseconds())/float64(b.N), "cpu-µs/op")
		})
	}
}

// cpuTime returns what the process has used.
func cpuTime() time.Duration {
	var used syscall.Rusage
	syscall.Getrusage(syscall.RUSAGE_SELF, &used) // fails only for an argument that does not exist
	return time.Duration(used.Utime.Nano() + used.Stime.Nano())
}

// fill makes n resources that are alike, fifty with each request.
func (w *world) fill(t testing.TB, collection string, n int, attrs string) {
	t.Helper()
	const atOnce = 50
	for left := n; left > 0; left -= atOnce {
		w.answered(t, "POST", collection, `{"`+collection+`":[`+strings.Repeat(`{`+attrs+`},`, min(left, atOnce)-1)+`{`+attrs+`}]}`)
	}
}

// answered sends an administrator's request, which must succeed, and returns how many bytes came.
func (w *world) answered(t testing.TB, method, path, body string) int64 {
	t.Helper()
	r := httptest.NewRequest(method, "http://localhost/v2.0/"+path, strings.NewReader(body))
	r.Header.Set("X-Project-Id", "admin")
	answer := httptest.NewRecorder()
	w.handler.ServeHTTP(answer, r)
	if answer.Code >= http.StatusBadRequest {
		t.Fatal(fmt.Errorf("%s %s: %d %s", method, path, answer.Code, answer.Body))
	}
	return int64(answer.Body.Len())
}
