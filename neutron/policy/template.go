package policy

import (
	"fmt"
	"strings"
)

// template is text with references to the target, as in project_id:%(project_id)s. It is Python's formatting with % by name: %% is
// a percent sign, and only the conversion s is of use.
type template []segment

// segment is text, or a reference to an attribute.
type segment struct {
	text string
	attr string // empty for text
}

func parseTemplate(s string) (template, error) {
	var t template
	for s != "" {
		text, rest, found := strings.Cut(s, "%")
		t = t.append(text)
		if !found {
			return t, nil
		}
		switch {
		case strings.HasPrefix(rest, "%"):
			t, s = t.append("%"), rest[1:]
		case strings.HasPrefix(rest, "("):
			name, after, closed := strings.Cut(rest[1:], ")s")
			if !closed || name == "" || strings.Contains(name, ")") {
				return nil, fmt.Errorf("%%%s: write %%(attribute)s", rest)
			}
			t, s = append(t, segment{attr: name}), after
		default:
			return nil, fmt.Errorf("%%%s: write %%(attribute)s, or %%%% to mean the sign itself", rest)
		}
	}
	return t, nil
}

func (t template) append(text string) template {
	switch n := len(t); {
	case text == "":
		return t
	case n > 0 && t[n-1].attr == "":
		t[n-1].text += text
		return t
	}
	return append(t, segment{text: text})
}

// expand returns the text for the evaluation's target: Yes with the text; Maybe where it refers to a target that is not known; No
// where the target has no such attribute.
func (t template) expand(e *evaluation) (string, Verdict) {
	if len(t) == 1 && t[0].attr == "" {
		return t[0].text, Yes
	}
	var b strings.Builder
	for _, s := range t {
		if s.attr == "" {
			b.WriteString(s.text)
			continue
		}
		if e.target == nil {
			return "", Maybe
		}
		v, ok := e.attribute(s.attr)
		if !ok {
			return "", No
		}
		if len(t) == 1 {
			return v.Text, Yes
		}
		b.WriteString(v.Text)
	}
	return b.String(), Yes
}

func (t template) String() string {
	var b strings.Builder
	for _, s := range t {
		if s.attr != "" {
			b.WriteString("%(" + s.attr + ")s")
		} else {
			b.WriteString(strings.ReplaceAll(s.text, "%", "%%"))
		}
	}
	return b.String()
}

// only returns the attribute where the template is a reference and nothing else.
func (t template) only() (attr string, ok bool) {
	if len(t) != 1 || t[0].attr == "" {
		return "", false
	}
	return t[0].attr, true
}
