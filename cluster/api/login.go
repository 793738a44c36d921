package api

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"encoding/binary"
	"net/http"
	"strings"
	"time"
)

// Account is the one administrator that the API knows by itself: what the plugin's [MIDONET] section logs in as.
type Account struct {
	Username string
	Password string
}

const (
	mediaToken = "application/vnd.org.midonet.Token-v1+json"
	// tokenLife is how long a token is good for. Clients log in again when one is refused.
	tokenLife = time.Hour
	// expiresFormat is the original's SimpleDateFormat "EEE, dd-MM-yyyy HH:mm:ss z" (HttpSupport.java).
	expiresFormat = "Mon, 02-01-2006 15:04:05 MST"
)

// token is the body of a successful login (auth/Token.java).
type token struct {
	Key     string `json:"key"`
	Expires string `json:"expires"`
}

// login answers any method, as the original's filter does (LoginFilter.java). X-Auth-Project is not looked at: the account has one.
func (a *API) login(w http.ResponseWriter, r *http.Request) {
	if problem := a.checkBasic(r.Header.Get("Authorization")); problem != "" {
		a.Log.Info("refused a login to the MidoNet API", "from", r.RemoteAddr, "reason", problem)
		writeUnauthorized(w, problem)
		return
	}
	expires := time.Now().Add(tokenLife).UTC()
	t := token{Key: a.tokens.issue(expires), Expires: expires.Format(expiresFormat)}
	w.Header().Set("Set-Cookie", "sessionId="+t.Key+"; Expires="+t.Expires)
	writeJSON(w, http.StatusOK, mediaToken, t)
}

// checkBasic returns what is wrong with an Authorization header (RFC 7617), "" if nothing is. A password may have colons, which the
// original refuses.
func (a *API) checkBasic(header string) string {
	const prefix = "basic "
	if header == "" {
		return "Authorization header is not set."
	}
	if len(header) < len(prefix) || !strings.EqualFold(header[:len(prefix)], prefix) {
		return "Authorization header does not contain Basic."
	}
	text, err := base64.StdEncoding.DecodeString(strings.TrimSpace(header[len(prefix):]))
	user, password, ok := strings.Cut(string(text), ":")
	if err != nil || !ok {
		return "Authorization header is not valid"
	}
	if !equal(user, a.Account.Username) || !equal(password, a.Account.Password) {
		return "Invalid username or password."
	}
	return ""
}

// equal compares in a time that tells nothing of either.
func equal(a, b string) bool {
	x, y := sha256.Sum256([]byte(a)), sha256.Sum256([]byte(b))
	return subtle.ConstantTimeCompare(x[:], y[:]) == 1
}

func writeUnauthorized(w http.ResponseWriter, message string) {
	w.Header().Set("WWW-Authenticate", `Basic  realm="BASIC_AUTH_REALM"`) // two spaces, as the original's
	writeError(w, http.StatusUnauthorized, message)
}

// tokens issues and checks tokens: the second in which one expires and the HMAC-SHA256 of that with a key of this process. So nothing
// is kept for a token, however many are asked for, and none outlives the process.
type tokens struct{ key [32]byte }

func newTokens() *tokens {
	t := &tokens{}
	rand.Read(t.key[:]) // never fails: crypto/rand aborts the program instead
	return t
}

func (t *tokens) issue(expires time.Time) string {
	text := binary.BigEndian.AppendUint64(nil, uint64(expires.Unix()))
	return base64.RawURLEncoding.EncodeToString(append(text, t.sum(text)...))
}

func (t *tokens) valid(key string, now time.Time) bool {
	text, err := base64.RawURLEncoding.DecodeString(key)
	if err != nil || len(text) != 8+sha256.Size || !hmac.Equal(text[8:], t.sum(text[:8])) {
		return false
	}
	return uint64(now.Unix()) < binary.BigEndian.Uint64(text)
}

func (t *tokens) sum(text []byte) []byte {
	h := hmac.New(sha256.New, t.key[:])
	h.Write(text)
	return h.Sum(nil)
}
