package api

import (
	"encoding/json"
	"errors"
	"mime"
	"net/http"
	"strings"

	"midonet.org/midonet/errs"
)

const (
	mediaJSON  = "application/json"
	mediaError = "application/vnd.org.midonet.Error-v1+json"
)

// errorBody is the body of every failure (models/ErrorEntity.java).
type errorBody struct {
	Message *string `json:"message"`
	Code    int     `json:"code"`
}

// statuses are what the original answers, by kind of failure (NeutronZoomPlugin.toHttpException, MidonetResource.tryTx).
var statuses = map[errs.Kind]int{
	errs.Invalid: http.StatusBadRequest, errs.Unauthorized: http.StatusUnauthorized, errs.Forbidden: http.StatusForbidden,
	errs.NotFound: http.StatusNotFound, errs.Conflict: http.StatusConflict, errs.TooLarge: http.StatusRequestEntityTooLarge,
	errs.Unavailable: http.StatusServiceUnavailable, errs.Precondition: http.StatusNotAcceptable,
	errs.Unsupported: http.StatusMethodNotAllowed,
}

// fail answers with the error, whose text reaches the client only if it was written for clients.
func (a *API) fail(w http.ResponseWriter, r *http.Request, err error) {
	var v violations
	if errors.As(err, &v) {
		writeViolations(w, v)
		return
	}
	status, ok := statuses[errs.KindOf(err)]
	if !ok {
		a.Log.Error("a request of the MidoNet API failed", "method", r.Method, "path", r.URL.Path, "error", err)
		writeError(w, http.StatusInternalServerError, "Internal error; the server's log has the cause.")
		return
	}
	switch status {
	case http.StatusUnauthorized:
		challenge(w)
	case http.StatusServiceUnavailable:
		a.Log.Warn("a request of the MidoNet API could not be answered", "method", r.Method, "path", r.URL.Path, "error", err)
		w.Header().Set("RetryAfter", "3") // without the hyphen, as the original writes it (ServiceUnavailableHttpException.java)
	}
	var e *errs.Error
	errors.As(err, &e)
	writeError(w, status, e.Message)
}

func writeError(w http.ResponseWriter, status int, message string) {
	writeJSON(w, status, mediaError, errorBody{Message: &message, Code: status})
}

func writeJSON(w http.ResponseWriter, status int, mediaType string, body any) {
	text, err := json.Marshal(body)
	if err != nil { // a type that JSON has no form for, which any test of its resource meets
		panic(err)
	}
	w.Header().Set("Content-Type", mediaType)
	w.WriteHeader(status)
	_, _ = w.Write(text) // the client has gone: there is no one to tell
}

// takes reports whether the endpoint reads bodies of the Content-Type.
func (e endpoint) takes(contentType string) bool {
	if len(e.consumes) == 0 {
		return true
	}
	given, _, err := mime.ParseMediaType(contentType)
	if err != nil {
		return false
	}
	for _, t := range e.consumes {
		if strings.EqualFold(t, given) {
			return true
		}
	}
	return false
}

// acceptable returns the first of the media types that the Accept headers name, by itself or with a wildcard; no header accepts
// everything, and so does an answer without a body. A type with q=0 is refused; other weights do not matter where an answer has one form.
func acceptable(accept []string, produces []string) (string, bool) {
	if len(produces) == 0 {
		return "", true
	}
	if len(accept) == 0 {
		return produces[0], true
	}
	for _, item := range strings.Split(strings.Join(accept, ","), ",") {
		wanted, params, err := mime.ParseMediaType(item)
		if err != nil || strings.Trim(params["q"], "0.") == "" && params["q"] != "" {
			continue
		}
		for _, t := range produces {
			if class, every := strings.CutSuffix(wanted, "*"); every && (wanted == "*/*" || strings.HasPrefix(t, class)) || strings.EqualFold(wanted, t) {
				return t, true
			}
		}
	}
	return "", false
}
