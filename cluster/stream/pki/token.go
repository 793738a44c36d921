package pki

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"syscall"
	"time"

	"midonet.org/midonet/atomicfile"
	"midonet.org/midonet/errs"
	"midonet.org/midonet/topology"
	"midonet.org/midonet/topology/topologypb"
)

// TokenLife is how long a join token lives unless its maker says otherwise.
const TokenLife = 24 * time.Hour

// maxTokenLife keeps a forgotten token from staying a key to the cloud for ever.
const maxTokenLife = 365 * 24 * time.Hour

// storedToken is what the authority keeps of a token: enough to recognise it, not enough to use it.
type storedToken struct {
	SHA256  string    `json:"sha256"`
	Expires time.Time `json:"expires"`
	OneUse  bool      `json:"one_use,omitempty"`
	UsedBy  string    `json:"used_by,omitempty"` // "host key-hash" of the join that used up a token for one use
}

// NewToken makes a join token that lives for life (0: TokenLife) and names the addresses ("tcp://host:port", "unix:/path") at
// which hosts reach the cluster. A running server accepts it at once, also when another process made it.
func (a *Authority) NewToken(addresses []string, life time.Duration, oneUse bool) (*topologypb.JoinToken, error) {
	if life == 0 {
		life = TokenLife
	}
	if life < 0 || life > maxTokenLife {
		return nil, errs.New(errs.Invalid, "BadTokenLife",
			"a join token lives for some time, at most %d days", int(maxTokenLife.Hours()/24))
	}
	if len(addresses) == 0 {
		return nil, errs.New(errs.Invalid, "NoAddress", "a join token needs an address at which the new host reaches the cluster")
	}
	secret := make([]byte, 32)
	rand.Read(secret)
	fingerprint := a.Fingerprint()
	err := a.changeTokens(func(ts []storedToken) ([]storedToken, error) {
		return append(ts, storedToken{SHA256: hashOf(secret), Expires: a.now().Add(life).UTC(), OneUse: oneUse}), nil
	})
	if err != nil {
		return nil, err
	}
	return &topologypb.JoinToken{Secret: secret, AuthoritySha256: fingerprint[:], Addresses: addresses}, nil
}

// Redeem checks that the secret of a join token is good for this host and key. A token for one use can be used again by the same
// host with the same key, since the first answer may have been lost on its way.
func (a *Authority) Redeem(secret []byte, host topology.HostID, csr []byte) error {
	key, err := keyHash(csr)
	if err != nil {
		return err
	}
	hash, user := hashOf(secret), host.String()+" "+hex.EncodeToString(key[:])
	return a.changeTokens(func(ts []storedToken) ([]storedToken, error) {
		i := slices.IndexFunc(ts, func(t storedToken) bool { return t.SHA256 == hash })
		if i < 0 {
			return nil, refused("the join token is unknown or has expired")
		}
		if ts[i].OneUse && ts[i].UsedBy != "" && ts[i].UsedBy != user {
			return nil, refused("the join token has been used by another host")
		}
		if ts[i].OneUse {
			ts[i].UsedBy = user
		}
		return ts, nil
	})
}

func refused(why string) error {
	return errs.New(errs.Unauthorized, "JoinTokenRefused", "%s; make a new one on the server", why)
}

// changeTokens replaces the list of live tokens by what fn returns, with every other process kept out.
func (a *Authority) changeTokens(fn func([]storedToken) ([]storedToken, error)) error {
	a.mu.Lock()
	defer a.mu.Unlock()
	unlock, err := a.lock()
	if err != nil {
		return err
	}
	defer unlock()
	before, err := a.readTokens()
	if err != nil {
		return err
	}
	live := slices.DeleteFunc(slices.Clone(before), func(t storedToken) bool { return !a.now().Before(t.Expires) })
	after, err := fn(live)
	if err != nil || slices.Equal(before, after) {
		return err
	}
	data, err := json.MarshalIndent(after, "", "  ")
	if err != nil {
		return err
	}
	return atomicfile.Write(a.tokenFile(), data, 0o600)
}

func (a *Authority) tokenFile() string { return filepath.Join(a.dir, "tokens.json") }

func (a *Authority) readTokens() ([]storedToken, error) {
	data, err := os.ReadFile(a.tokenFile())
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	var ts []storedToken
	if err := json.Unmarshal(data, &ts); err != nil {
		return nil, fmt.Errorf("%s: %w; remove this file: only unused join tokens are lost", a.tokenFile(), err)
	}
	return ts, nil
}

// lock keeps other processes out of the directory until the returned function is called.
func (a *Authority) lock() (unlock func(), err error) {
	f, err := os.OpenFile(filepath.Join(a.dir, "lock"), os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, err
	}
	if err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX); err != nil {
		f.Close()
		return nil, fmt.Errorf("locking %s: %w", a.dir, err)
	}
	return func() { f.Close() }, nil
}

func hashOf(secret []byte) string {
	sum := sha256.Sum256(secret)
	return hex.EncodeToString(sum[:])
}
