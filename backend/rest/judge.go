package rest

import (
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"

	"midonet.org/midonet/neutron/journal"
)

// answer is what MidoNet says to a call.
type answer struct {
	status int
	body   []byte
}

// verdict is what an answer means for a task.
type verdict int

const (
	done    verdict = iota // MidoNet has the change
	refused                // it will not make it
	compare                // it has a resource of that identifier: whether it is the one that the task makes is to be seen
	again                  // it is away, whatever it was that answered
)

// awayStatuses are what proxies say in MidoNet's place, and MidoNet of its store.
var awayStatuses = []int{
	http.StatusRequestTimeout, http.StatusTooManyRequests, http.StatusBadGateway, http.StatusServiceUnavailable, http.StatusGatewayTimeout,
}

// judge says what an answer to a task's call means.
func judge(t journal.Task, a answer) verdict {
	switch {
	case a.status >= 200 && a.status < 300, t.Type == journal.Delete && a.status == http.StatusNotFound:
		return done
	case slices.Contains(awayStatuses, a.status):
		return again
	case a.status != http.StatusConflict || t.Type != journal.Create:
		return refused
	case t.DataType != journal.RouterInterface:
		return compare
	case strings.Contains(string(a.body), "already exists"): // ObjectExistsException
		return done
	}
	return refused
}

// isItself reports whether the resource that MidoNet shows is the one that the task makes.
func isItself(t journal.Task, shown []byte) bool {
	var ours, theirs map[string]any
	if json.Unmarshal(t.Data, &ours) != nil || json.Unmarshal(shown, &theirs) != nil {
		return false
	}
	for _, attr := range append([]string{"id"}, kinds[t.DataType].itself...) {
		if !strings.EqualFold(fmt.Sprint(ours[attr]), fmt.Sprint(theirs[attr])) {
			return false
		}
	}
	return true
}

// message is what MidoNet says of a failure: the text of its error body, or all that it answered.
func (a answer) message() string {
	var body struct {
		Message    string `json:"message"`
		Violations []struct {
			Property string `json:"property"`
			Message  string `json:"message"`
		} `json:"violations"`
	}
	if json.Unmarshal(a.body, &body) != nil || body.Message == "" {
		if text := strings.TrimSpace(string(a.body)); text != "" {
			return text
		}
		return http.StatusText(a.status)
	}
	for _, v := range body.Violations {
		body.Message += fmt.Sprintf(" %s: %s.", v.Property, v.Message)
	}
	return body.Message
}
