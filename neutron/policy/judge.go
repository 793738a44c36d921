package policy

import (
	"context"
	"strings"

	"midonet.org/midonet/errs"
	"midonet.org/midonet/neutron/auth"
)

// Judge answers for one caller during one request.
type Judge struct {
	rules   *Rules
	caller  *auth.Caller
	parents Parents
}

// Judge returns the judge for a caller that Identify has looked at.
func (r *Rules) Judge(c *auth.Caller, parents Parents) *Judge {
	return &Judge{rules: r, caller: c, parents: parents}
}

// Unbound reports whether the rules need not be asked at all: an administrator may do everything until the operator sets
// enforce_new_defaults (neutron/policy.py, enforce).
func (j *Judge) Unbound() bool { return j.caller.Admin && !j.rules.options.EnforceNewDefaults }

// Check says whether the caller may do what the action stands for to the target; Maybe where target is nil and the answer depends on
// it. The error is that of looking up a parent.
func (j *Judge) Check(ctx context.Context, a Action, target Target) (Verdict, error) {
	if j.Unbound() {
		return Yes, nil
	}
	if j.rules.outOfScope(a, credentials{j.caller}) {
		return No, nil
	}
	e := &evaluation{ctx: ctx, rules: j.rules, who: credentials{j.caller}, target: target, parents: j.parents}
	v := a.check.decide(e)
	return v, e.err
}

// Defined is Check for a rule that holds only where it is defined, as those of the attributes that a caller sees do.
func (j *Judge) Defined(ctx context.Context, rule string, target Target) (Verdict, error) {
	if j.Unbound() || !j.rules.Has(rule) {
		return Yes, nil
	}
	return j.Check(ctx, NewAction(rule), target)
}

// Enforce returns errs.Forbidden with Neutron's words where the caller may not.
func (j *Judge) Enforce(ctx context.Context, a Action, target Target) error {
	v, err := j.Check(ctx, a, target)
	switch {
	case err != nil:
		return err
	case v == Yes:
		return nil
	}
	who := credentials{j.caller}
	if j.rules.outOfScope(a, who) {
		return errs.New(errs.Forbidden, "InvalidScope", "%s requires a scope of ['%s'], request was made with %s scope.",
			a.check, strings.Join(j.rules.scopes[a.name], "', '"), who.scope())
	}
	return errs.New(errs.Forbidden, "PolicyNotAuthorized", "%s is disallowed by policy", a.check)
}

// outOfScope reports whether enforce_scope refuses the caller's kind of token. An action with rules of attributes is not asked, as in
// oslo.policy, where the combined rule has no scope.
func (r *Rules) outOfScope(a Action, who credentials) bool {
	scopes := r.scopes[a.name]
	if !r.options.EnforceScope || len(scopes) == 0 || a.with {
		return false
	}
	for _, s := range scopes {
		if s == who.scope() {
			return false
		}
	}
	return true
}
