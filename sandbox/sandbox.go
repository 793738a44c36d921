package sandbox

import (
	"crypto/sha256"
	"encoding/hex"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"regexp"

	"midonet.org/midonet/errs"
)

// Config says where a sandbox lives and which server it belongs to.
type Config struct {
	// StateDir is the server's state directory. The sandbox keeps everything of its own in StateDir/sandbox, and finds the
	// server's Unix sockets in StateDir: stream.sock for agents and midonet.sock for administration.
	StateDir string
	// Binary is the midonet program that runs as the agents. mm-ctl is looked for beside it.
	Binary string
	// API is the base address of the Networking API, such as http://127.0.0.1:9696, which is the default.
	API string
	// Underlay says which address families the hosts have between them; the zero value is both.
	Underlay Families
	// MetadataConfig is a metadata_agent.ini by which agents that are started ask Nova in their workloads' name; empty: they answer
	// workloads themselves.
	MetadataConfig string
	// Out receives progress for people; nil discards it.
	Out io.Writer
	// Log receives what Out is too short for; nil discards it.
	Log *slog.Logger
}

// Families is a choice of Internet protocol versions.
type Families string

// The choices of address families.
const (
	BothFamilies Families = ""
	IPv4Only     Families = "4"
	IPv6Only     Families = "6"
)

// Sandbox is the hosts and workloads of one state directory. Its methods may be called by several processes at once: those that
// change something take turns on a lock file.
type Sandbox struct {
	cfg     Config
	prefix  string // of every namespace's name
	neutron *neutron
	out     io.Writer
	log     *slog.Logger
}

// defaultAPI is where a server listens that was not told otherwise.
const defaultAPI = "http://127.0.0.1:9696"

// maxSocketPath is how long the path of a Unix socket may be (unix(7), sun_path without its final zero).
const maxSocketPath = 107

// New returns the sandbox of a state directory. It touches nothing.
func New(cfg Config) (*Sandbox, error) {
	dir, err := filepath.Abs(cfg.StateDir)
	if err != nil {
		return nil, err
	}
	cfg.StateDir = dir
	if n := len(filepath.Join(dir, "sandbox", "host999", "agent.sock")); n > maxSocketPath {
		return nil, errs.New(errs.Invalid, "StateDirTooLong",
			"%s is too long a state directory for a sandbox: the path of a Unix socket in it would have %d bytes, and %d are possible",
			dir, n, maxSocketPath)
	}
	if cfg.API == "" {
		cfg.API = defaultAPI
	}
	if cfg.Out == nil {
		cfg.Out = io.Discard
	}
	if cfg.Log == nil {
		cfg.Log = slog.New(slog.DiscardHandler)
	}
	sum := sha256.Sum256([]byte(dir))
	return &Sandbox{
		cfg: cfg,
		// Two sandboxes on one machine have different state directories, and so different names.
		prefix:  "midonet-" + hex.EncodeToString(sum[:3]),
		neutron: newNeutron(cfg.API),
		out:     cfg.Out,
		log:     cfg.Log,
	}, nil
}

// namePattern is what hosts and workloads may be called: such a name is safe as part of a file name, a namespace's name and a
// host name.
var namePattern = regexp.MustCompile(`^[a-z0-9]([a-z0-9-]{0,30}[a-z0-9])?$`)

func checkName(what, name string) error {
	if namePattern.MatchString(name) {
		return nil
	}
	return errs.New(errs.Invalid, "InvalidName",
		"%q cannot name a %s: use 1 to 32 lower-case letters, digits and hyphens, with a letter or digit at both ends", name, what)
}

// HostNamespace is the name under which `ip netns` knows a host's network namespace.
func (s *Sandbox) HostNamespace(host string) string { return s.hostNamespace(host) }

func (s *Sandbox) underlayNamespace() string            { return s.prefix + "-underlay" }
func (s *Sandbox) hostNamespace(host string) string     { return s.prefix + "-" + host }
func (s *Sandbox) workloadNamespace(name string) string { return s.prefix + "-vm-" + name }

func (s *Sandbox) dir() string                { return filepath.Join(s.cfg.StateDir, "sandbox") }
func (s *Sandbox) hostDir(host string) string { return filepath.Join(s.dir(), host) }
func (s *Sandbox) controlSocket(host string) string {
	return filepath.Join(s.hostDir(host), "agent.sock")
}
func (s *Sandbox) agentLog(host string) string    { return filepath.Join(s.hostDir(host), "agent.log") }
func (s *Sandbox) workloadDir(name string) string { return filepath.Join(s.dir(), "vm-"+name) }
func (s *Sandbox) resolvConf(workload string) string {
	return filepath.Join(s.workloadDir(workload), "resolv.conf")
}
func (s *Sandbox) streamSocket() string { return filepath.Join(s.cfg.StateDir, "stream.sock") }
func (s *Sandbox) adminSocket() string  { return filepath.Join(s.cfg.StateDir, "midonet.sock") }

// mmctl is the mm-ctl program beside the midonet program, or else the one on PATH.
func (s *Sandbox) mmctl() string {
	beside := filepath.Join(filepath.Dir(s.cfg.Binary), "mm-ctl")
	if _, err := os.Stat(beside); err == nil {
		return beside
	}
	return "mm-ctl"
}
