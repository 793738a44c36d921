package metadata

import (
	"fmt"
	"net/http"
	"strings"
)

// methods are those of RFC 9110 and 5789 that mean something to a service; Neutron's agent passes on whatever it is sent.
var methods = map[string]bool{
	http.MethodGet: true, http.MethodHead: true, http.MethodPost: true, http.MethodPut: true, http.MethodPatch: true, http.MethodDelete: true,
	http.MethodOptions: true,
}

var allowed = strings.Join([]string{http.MethodGet, http.MethodHead, http.MethodPost, http.MethodPut, http.MethodPatch, http.MethodDelete,
	http.MethodOptions}, ", ")

// What Neutron's metadata agent says (neutron/agent/metadata/agent.py, and webob.exc of statuses that it says nothing about).
const (
	unknownError  = "An unknown error has occurred. Please try your request again."
	unavailable   = "The remote metadata server is temporarily unavailable. Please try again later."
	internalError = "Remote metadata server experienced an internal server error."
	notFound      = "The resource could not be found."
)

// passedOn are the failures of Nova that its clients get as they are, with the words of webob.
var passedOn = map[int]string{
	http.StatusBadRequest:         "The server could not comply with the request since it is either malformed or otherwise incorrect.",
	http.StatusForbidden:          "Access was denied to this resource.",
	http.StatusNotFound:           notFound,
	http.StatusConflict:           "There was a conflict when trying to complete your request.",
	http.StatusBadGateway:         "Bad gateway.",
	http.StatusServiceUnavailable: "The server is currently unavailable. Please try again at a later time.",
	http.StatusGatewayTimeout:     "The gateway has timed out.",
}

// refuse answers with an error in the plain form of webob.
func refuse(w http.ResponseWriter, status int, why string) {
	w.Header().Set("Content-Type", "text/plain; charset=UTF-8")
	w.WriteHeader(status)
	fmt.Fprintf(w, "%d %s\n\n%s\n", status, http.StatusText(status), why)
}

// recorder remembers the status of an answer.
type recorder struct {
	http.ResponseWriter
	status int
}

// WriteHeader is of http.ResponseWriter.
func (r *recorder) WriteHeader(status int) {
	if r.status == 0 {
		r.status = status
	}
	r.ResponseWriter.WriteHeader(status)
}

// Write is of http.ResponseWriter.
func (r *recorder) Write(b []byte) (int, error) {
	if r.status == 0 {
		r.status = http.StatusOK
	}
	return r.ResponseWriter.Write(b)
}

// Unwrap is for http.ResponseController.
func (r *recorder) Unwrap() http.ResponseWriter { return r.ResponseWriter }
