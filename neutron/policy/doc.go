// Package policy decides who may do what: the language of oslo.policy, Neutron's default rules, and the operator's changes to them
// in policy.yaml.
//
// The steps, each in files of its own: a rule's text becomes a check (parse.go, check.go, template.go); Neutron's rules (default_*.go)
// with the operator's (file.go) become Rules, an immutable set (rules.go); an Enforcer keeps the set in force and reads the files
// again when they change (enforcer.go); a Judge answers for one caller (judge.go), also for a whole create or update with the
// attributes it gives (action.go).
//
// Checks are decided in three values: where no Target is given, what depends on one is Maybe. A list asks so once, and looks at its
// items only where the answer depends on them.
//
// The behaviour is that of oslo.policy 4.0 and of neutron/policy.py of Neutron 21 (Zed); docs/divergences.md has the differences.
package policy
