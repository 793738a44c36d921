package policy

// Verdict is what a check says. The order matters: a conjunction is the least of its parts, a disjunction the greatest.
type Verdict int8

// The verdicts.
const (
	No    Verdict = iota - 1
	Maybe         // it depends on the target, and there is none
	Yes
)

func verdictOf(b bool) Verdict {
	if b {
		return Yes
	}
	return No
}

// not is the opposite; what depends on the target still does.
func (v Verdict) not() Verdict { return -v }
