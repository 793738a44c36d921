package api

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"encoding/binary"
	"time"
)

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

// equal compares in a time that tells nothing of either.
func equal(a, b string) bool {
	x, y := sha256.Sum256([]byte(a)), sha256.Sum256([]byte(b))
	return subtle.ConstantTimeCompare(x[:], y[:]) == 1
}
