package api

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"

	"midonet.org/midonet/test/golden"
	"midonet.org/midonet/topology"
)

// recording is what python-midonetclient sent when it did what networking-midonet's plugin has it do (testdata/neutron.py), and what it
// was answered. TestMidonetClientNeutron writes it anew with -update.
const recording = "testdata/plugin.http"

// exchange is a request and its answer, without what differs from one time to the next.
type exchange struct {
	method, path string
	header       []string // "Name: value", in order of name
	body         string
	status       int
	answerHeader []string
	answer       string
}

// notRecorded are headers that say nothing of the contract.
var notRecorded = []string{"Content-Length", "Date"}

// String is the form in which exchanges are recorded.
func (e exchange) String() string {
	return fmt.Sprintf("### %[1]s %[2]s\n%[1]s %[2]s\n%[3]s\n\n%[4]s\n<-- %[5]d\n%[6]s\n\n%[7]s\n", e.method, e.path, strings.Join(e.header, "\n"),
		e.body, e.status, strings.Join(e.answerHeader, "\n"), e.answer)
}

// parseExchanges is the reverse of String.
func parseExchanges(t *testing.T, text string) []exchange {
	t.Helper()
	var all []exchange
	for _, part := range strings.Split(text, "### ")[1:] {
		_, part, _ = strings.Cut(part, "\n")
		request, answer, _ := strings.Cut(part, "\n<-- ")
		head, body, _ := strings.Cut(request, "\n\n")
		lines := strings.Split(head, "\n")
		e := exchange{header: lines[1:], body: body}
		if _, err := fmt.Sscanf(lines[0], "%s %s", &e.method, &e.path); err != nil {
			t.Fatalf("%q: %v", lines[0], err)
		}
		head, e.answer, _ = strings.Cut(answer, "\n\n")
		lines = strings.Split(head, "\n")
		e.answerHeader = slices.DeleteFunc(lines[1:], func(line string) bool { return line == "" })
		if _, err := fmt.Sscan(lines[0], &e.status); err != nil {
			t.Fatalf("%q: %v", lines[0], err)
		}
		e.answer = strings.TrimRight(e.answer, "\n")
		all = append(all, e)
	}
	return all
}

// secrets are what differs from one time to the next.
var secrets = regexp.MustCompile(`(sessionId=|"key":"|X-Auth-Token: |Basic )[-\w=]+|(Expires=|"expires":")[^"]+`)

// masked is the text without the server's address, tokens and times.
func masked(text, uri string) string {
	return secrets.ReplaceAllString(strings.ReplaceAll(text, uri, "{uri}"), "$1$2***")
}

// maskedHeader returns the headers as they are recorded.
func maskedHeader(h http.Header, uri string) []string {
	var lines []string
	for name, values := range h {
		if !slices.Contains(notRecorded, name) {
			lines = append(lines, masked(name+": "+strings.Join(values, ", "), uri))
		}
	}
	slices.Sort(lines)
	return lines
}

// recorder notes what passes on its way to a handler.
type recorder struct {
	http.Handler
	mu  sync.Mutex
	all []exchange
}

func (r *recorder) ServeHTTP(w http.ResponseWriter, req *http.Request) {
	body, err := io.ReadAll(req.Body)
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	uri := "http://" + req.Host + Root
	e := exchange{method: req.Method, path: req.URL.Path, header: maskedHeader(req.Header, uri), body: masked(string(body), uri)}
	req.Body = io.NopCloser(bytes.NewReader(body))
	answer := httptest.NewRecorder()
	r.Handler.ServeHTTP(answer, req)
	e.status, e.answerHeader, e.answer = answer.Code, maskedHeader(answer.Header(), uri), masked(answer.Body.String(), uri)
	if e.path != Root { // the root document has more than Neutron's half
		r.mu.Lock()
		r.all = append(r.all, e)
		r.mu.Unlock()
	}
	for name, values := range answer.Header() {
		w.Header()[name] = values
	}
	w.WriteHeader(answer.Code)
	_, _ = w.Write(answer.Body.Bytes()) // the client has gone: there is no one to tell
}

// wantRecorded holds the recording to what has passed.
func (r *recorder) wantRecorded(t *testing.T) {
	t.Helper()
	text := "Recorded by TestMidonetClientNeutron; see recorded_test.go. *** stands for tokens, passwords and times.\n\n"
	for _, e := range r.all {
		text += e.String() + "\n"
	}
	golden.Check(t, recording, text)
}

// TestRecordedRequests replays the recording, without the client that made it.
func TestRecordedRequests(t *testing.T) {
	text, err := os.ReadFile(recording)
	if err != nil {
		t.Fatal(err)
	}
	f := newFixture(t)
	exchanges := parseExchanges(t, string(text))
	if len(exchanges) < 79 {
		t.Fatalf("%d exchanges are recorded", len(exchanges))
	}
	for n, e := range exchanges {
		r := f.do(e.method, strings.TrimPrefix(e.path, Root), f.unmasked(e.header), e.body)
		got := exchange{e.method, e.path, e.header, e.body, r.StatusCode, maskedHeader(r.Header, f.uri), masked(string(r.body), f.uri)}
		if got.String() != e.String() {
			t.Fatalf("exchange %d is\n%s, recorded is\n%s", n, got, e)
		}
		f.wantCurrent()
	}
	f.wantStored(topology.KindSource, 0)
	f.wantStored(topology.KindPort, 0)
}

// unmasked puts the fixture's token and password where the recording has none.
func (f *fixture) unmasked(lines []string) header {
	h := header{}
	for _, line := range lines {
		name, value, _ := strings.Cut(line, ": ")
		switch name {
		case "X-Auth-Token":
			value = f.token
		case "Authorization":
			value = basic(account)
		}
		h[name] = value
	}
	return h
}

// wantCurrent fails unless incremental equals full.
func (f *fixture) wantCurrent() {
	f.Helper()
	report, err := f.importer.Check(f.Context())
	if err != nil || len(report.Differences) != 0 {
		f.Fatalf("incremental differs from full: %v %v", report.Differences, err)
	}
}
