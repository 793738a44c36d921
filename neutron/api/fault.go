package api

import (
	"bytes"
	"encoding/json"
	"errors"
	"net/http"

	"midonet.org/midonet/errs"
	"midonet.org/midonet/neutron/apidef"
	"midonet.org/midonet/neutron/plugin"
)

// internalText is all that a client learns of a fault of ours (neutron/api/api_common.py, convert_exception_to_http_exc).
const internalText = "Request Failed: internal server error while processing your request."

// statuses is FAULT_MAP of neutron-lib api/faults.py, by kind.
var statuses = map[errs.Kind]int{
	errs.Internal:     http.StatusInternalServerError,
	errs.Invalid:      http.StatusBadRequest,
	errs.Unauthorized: http.StatusUnauthorized,
	errs.Forbidden:    http.StatusForbidden,
	errs.NotFound:     http.StatusNotFound,
	errs.Conflict:     http.StatusConflict,
	errs.TooLarge:     http.StatusRequestEntityTooLarge,
	errs.Unavailable:  http.StatusServiceUnavailable,
	errs.Precondition: http.StatusPreconditionFailed,
	errs.Unsupported:  http.StatusNotImplemented,
}

// fault is the body of a failure.
type fault struct {
	Type    string `json:"type"`
	Message string `json:"message"`
	Detail  string `json:"detail"`
}

// errNotAllowed is the one failure that no Kind stands for: the resource exists and the method does not apply to it.
var errNotAllowed = plugin.ErrNoMethod

// notAllowedText is what webob says to every client error without a text of its own.
const notAllowedText = "The server could not comply with the request since it is either malformed or otherwise incorrect."

func errNoResource() error {
	return errs.New(errs.NotFound, "HTTPNotFound", "The resource could not be found.")
}

// errTooLarge is webob's HTTPRequestEntityTooLarge as oslo.middleware's size limiter raises it.
func errTooLarge() error {
	return errs.New(errs.TooLarge, "HTTPRequestEntityTooLarge", "Request is too large.")
}

// faultAnswer renders a failure. The text of an internal one stays here; the challenge goes with an answer 401.
func faultAnswer(header http.Header, challenge string, err error) *answer {
	if errors.Is(err, errNotAllowed) {
		return faultBody(http.StatusMethodNotAllowed, "NeutronError", fault{Type: "HTTPMethodNotAllowed", Message: notAllowedText})
	}
	var e *errs.Error
	if !errors.As(err, &e) || e.Kind == errs.Internal {
		return faultBody(http.StatusInternalServerError, "NeutronError",
			fault{Type: "HTTPInternalServerError", Message: internalText})
	}
	switch e.Kind {
	case errs.Unauthorized:
		header.Set("WWW-Authenticate", challenge)
		return unauthorized(e)
	case errs.Unsupported:
		if e.Type == "HTTPNotImplemented" { // webob's, rather than Python's
			break
		}
		return faultBody(statuses[e.Kind], "NotImplementedError", fault{Type: "NotImplementedError", Message: e.Message})
	}
	return faultBody(statuses[e.Kind], "NeutronError", fault{Type: e.Type, Message: e.Message})
}

func faultBody(status int, key string, f fault) *answer {
	return &answer{status: status, body: encode(map[string]fault{key: f})}
}

// unauthorized is what Keystone's middleware says (keystonemiddleware/auth_token).
func unauthorized(e *errs.Error) *answer {
	type body struct {
		Code    int    `json:"code"`
		Title   string `json:"title"`
		Message string `json:"message"`
	}
	return &answer{status: http.StatusUnauthorized,
		body: encode(map[string]body{"error": {http.StatusUnauthorized, "Unauthorized", e.Message}})}
}

// encode writes a value of this package's own types, which always have a JSON form. Links keep their & as it is.
func encode(v any) []byte {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(v); err != nil {
		panic(err)
	}
	return bytes.TrimSuffix(b.Bytes(), []byte("\n"))
}

// badRequest is webob's HTTPBadRequest.
func badRequest(format string, args ...any) error { return apidef.BadRequest(format, args...) }

// badParameter is neutron-lib's BadRequest for a named thing of the request.
func badParameter(name, format string, args ...any) error {
	e := errs.New(errs.Invalid, "BadRequest", format, args...)
	e.Message = "Bad " + name + " request: " + e.Message + "."
	return e
}
