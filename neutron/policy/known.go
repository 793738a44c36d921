package policy

import "context"

// Known returns the action with all that does not depend on a target decided, for asking the same of many targets. Its refusals would
// not have Neutron's words: it is for Check alone.
func (j *Judge) Known(ctx context.Context, a Action) Action {
	e := &evaluation{ctx: ctx, rules: j.rules, who: credentials{j.caller}}
	return Action{name: a.name, check: known(a.check, e), with: a.with}
}

// known returns what is left of a check for the evaluation's caller, whose target is not known.
func known(c check, e *evaluation) check {
	if v := c.decide(e); v != Maybe {
		return constant(v)
	}
	switch c := c.(type) {
	case ruleCheck:
		r, _ := e.rules.lookup(string(c)) // a rule that is not there is No
		return known(r, e)
	case notCheck:
		return notCheck{known(c.of, e)}
	case andCheck:
		return andCheck(knownParts(c, e))
	case orCheck:
		return orCheck(knownParts(c, e))
	}
	return c
}

// knownParts leaves out the parts that are decided: the whole is not, and so they do not matter to it.
func knownParts(parts []check, e *evaluation) []check {
	var left []check
	for _, p := range parts {
		if rest := known(p, e); rest.decide(e) == Maybe {
			left = append(left, rest)
		}
	}
	return left
}
