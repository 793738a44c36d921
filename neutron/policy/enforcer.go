package policy

import (
	"fmt"
	"log/slog"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"midonet.org/midonet/errs"
	"midonet.org/midonet/neutron/apidef"
)

// lookEvery is how often the files are looked at, at most: a change is in force within this time and a request.
const lookEvery = time.Second

// Enforcer keeps the rules in force. Many goroutines may use it at once.
type Enforcer struct {
	options   Options
	files     Files
	resources []*apidef.Resource
	log       *slog.Logger
	now       func() time.Time

	rules  atomic.Pointer[Rules]
	lookAt atomic.Int64 // when to look at the files next, in nanoseconds since 1970

	mu   sync.Mutex // held while looking at the files
	seen []version
}

// New reads the rules. What is wrong with them is an error that names file, rule and cause: a server does not start with rules other
// than the operator's.
func New(o Options, files Files, resources []*apidef.Resource, log *slog.Logger) (*Enforcer, error) {
	e := &Enforcer{options: o, files: files, resources: resources, log: log, now: time.Now}
	e.seen = files.versions()
	if len(e.seen) == 0 && files.File != "" && files.File != "policy.yaml" {
		log.Warn("the policy file does not exist; the default rules are in force", "policy_file", files.File)
	}
	rules, err := e.compile()
	if err != nil {
		return nil, err
	}
	e.rules.Store(rules)
	e.lookAt.Store(e.now().Add(lookEvery).UnixNano())
	return e, nil
}

func (e *Enforcer) compile() (*Rules, error) {
	overrides, err := read(e.seen)
	if err != nil {
		return nil, errs.New(errs.Invalid, "BadPolicy", "policy: %v", err)
	}
	rules, err := Compile(e.options, e.resources, overrides)
	if err != nil {
		return nil, errs.New(errs.Invalid, "BadPolicy", "policy: %s%v", e.where(), err)
	}
	return rules, nil
}

// where names the files that rules came from.
func (e *Enforcer) where() string {
	text := ""
	for _, f := range e.seen {
		text += fmt.Sprintf("%s: ", f.path)
	}
	return text
}

// Rules returns the rules in force. It looks at the files at most once a second. Rules that cannot be read are an error in the log,
// and those before them stay in force.
func (e *Enforcer) Rules() *Rules {
	now := e.now()
	if due := e.lookAt.Load(); now.UnixNano() >= due && e.lookAt.CompareAndSwap(due, now.Add(lookEvery).UnixNano()) {
		e.reload()
	}
	return e.rules.Load()
}

func (e *Enforcer) reload() {
	e.mu.Lock()
	defer e.mu.Unlock()
	found := e.files.versions()
	if slices.Equal(found, e.seen) {
		return
	}
	e.seen = found
	rules, err := e.compile()
	if err != nil {
		e.log.Error("the changed policy cannot be read; the rules before it stay in force", "error", err)
		return
	}
	e.rules.Store(rules)
	e.log.Info("the policy changed", "files", len(found))
}
