package api

import (
	"encoding/base64"
	"net/http"
	"strings"

	"midonet.org/midonet/errs"
)

const (
	mediaToken = "application/vnd.org.midonet.Token-v1+json"
	// expiresFormat is the original's SimpleDateFormat "EEE, dd-MM-yyyy HH:mm:ss z" (HttpSupport.java).
	expiresFormat = "Mon, 02-01-2006 15:04:05 MST"
)

// token is the body of a successful login (auth/Token.java).
type token struct {
	Key     string `json:"key"`
	Expires string `json:"expires"`
}

// login answers any method, as the original's filter does (LoginFilter.java).
func (a *API) login(w http.ResponseWriter, r *http.Request) {
	user, password, err := basicOf(r.Header.Get("Authorization"))
	var given Token
	if err == nil {
		given, err = a.Identity.Login(r.Context(), user, password, strings.TrimSpace(r.Header.Get("X-Auth-Project")))
	}
	if err != nil {
		a.Log.Info("refused a login to the MidoNet API", "from", r.RemoteAddr, "reason", err)
		a.fail(w, r, err)
		return
	}
	t := token{Key: given.Key, Expires: given.Expires.UTC().Format(expiresFormat)}
	w.Header().Set("Set-Cookie", "sessionId="+t.Key+"; Expires="+t.Expires)
	writeJSON(w, http.StatusOK, mediaToken, t)
}

// basicOf reads an Authorization header (RFC 7617). A password may have colons, which the original refuses.
func basicOf(header string) (user, password string, err error) {
	const prefix = "basic "
	if header == "" {
		return "", "", unauthorized("Authorization header is not set.")
	}
	if len(header) < len(prefix) || !strings.EqualFold(header[:len(prefix)], prefix) {
		return "", "", unauthorized("Authorization header does not contain Basic.")
	}
	text, err := base64.StdEncoding.DecodeString(strings.TrimSpace(header[len(prefix):]))
	user, password, ok := strings.Cut(string(text), ":")
	if err != nil || !ok {
		return "", "", unauthorized("Authorization header is not valid")
	}
	return user, password, nil
}

func unauthorized(message string) error {
	return errs.New(errs.Unauthorized, "Unauthorized", "%s", message)
}

// authorize answers requests that are not an administrator's, and reports whether it has not.
func (a *API) authorize(w http.ResponseWriter, r *http.Request) bool {
	user, err := a.Identity.Authorize(r)
	switch {
	case err != nil:
		a.fail(w, r, err)
	case !user.Admin:
		a.Log.Info("refused a user of the MidoNet API who is no administrator", "from", r.RemoteAddr, "user", user.Name)
		challenge(w)
		writeJSON(w, http.StatusUnauthorized, mediaError, errorBody{Code: http.StatusUnauthorized}) // without a message, as the original's
	default:
		return true
	}
	return false
}

// challenge asks for a login, as HTTP wants it in every 401.
func challenge(w http.ResponseWriter) {
	w.Header().Set("WWW-Authenticate", `Basic  realm="BASIC_AUTH_REALM"`) // two spaces, as the original's
}
