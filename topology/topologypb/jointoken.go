package topologypb

import (
	"encoding/base64"
	"errors"
	"strings"

	"google.golang.org/protobuf/proto"
)

// ServerName is the name by which hosts verify the cluster's certificate, whatever address they reach it at: the authority signs
// certificates of one cluster only, and this name in none but its servers'.
const ServerName = "stream.midonet.internal"

// joinTokenPrefix tells a join token from other words, and its version.
const joinTokenPrefix = "mn1."

// errJoinToken hides what exactly is wrong: a token is copied whole or not at all.
var errJoinToken = errors.New("this is not a join token: it starts with \"" + joinTokenPrefix + "\" and must be copied whole")

// Text returns the token as one word of letters, digits, '-', '_' and one '.'.
func (t *JoinToken) Text() (string, error) {
	b, err := proto.Marshal(t)
	if err != nil {
		return "", err
	}
	return joinTokenPrefix + base64.RawURLEncoding.EncodeToString(b), nil
}

// ParseJoinToken reads what Text writes; space around it is ignored.
func ParseJoinToken(s string) (*JoinToken, error) {
	word, ok := strings.CutPrefix(strings.TrimSpace(s), joinTokenPrefix)
	if !ok {
		return nil, errJoinToken
	}
	b, err := base64.RawURLEncoding.DecodeString(word)
	if err != nil {
		return nil, errJoinToken
	}
	t := new(JoinToken)
	if proto.Unmarshal(b, t) != nil || len(t.Secret) != 32 || len(t.AuthoritySha256) != 32 || len(t.Addresses) == 0 {
		return nil, errJoinToken
	}
	return t, nil
}
