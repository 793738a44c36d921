package policy

import (
	"errors"
	"fmt"
	"strings"
	"unicode"

	"midonet.org/midonet/neutron/apidef"
)

// maxNesting bounds parentheses and nots in a rule, far above what a person writes.
const maxNesting = 200

// grammar parses rules. The resources are what field checks speak of, by collection.
type grammar struct {
	resources map[string]*apidef.Resource
}

// parse reads a rule in the policy language; the empty rule allows everyone.
func (g grammar) parse(rule string) (check, error) {
	if rule == "" {
		return constant(Yes), nil
	}
	p := &parser{grammar: g, tokens: tokenize(rule)}
	c, err := p.disjunction()
	if err != nil {
		return nil, err
	}
	if p.at < len(p.tokens) {
		return nil, fmt.Errorf("%q is not expected there", p.tokens[p.at].text)
	}
	return c, nil
}

// parseList reads the older form of a rule: a list of alternatives, each of them a check or a list of checks that must all hold.
// The empty list allows everyone.
func (g grammar) parseList(list []any) (check, error) {
	if len(list) == 0 {
		return constant(Yes), nil
	}
	var alternatives orCheck
	for _, entry := range list {
		if s, ok := entry.(string); ok && s != "" {
			entry = []any{s}
		}
		all, err := g.parseAll(entry)
		if err != nil {
			return nil, err
		}
		switch len(all) {
		case 0:
		case 1:
			alternatives = append(alternatives, all[0])
		default:
			alternatives = append(alternatives, all)
		}
	}
	switch len(alternatives) {
	case 0:
		return constant(No), nil
	case 1:
		return alternatives[0], nil
	}
	return alternatives, nil
}

func (g grammar) parseAll(entry any) (andCheck, error) {
	if entry == nil || entry == "" {
		return nil, nil
	}
	list, ok := entry.([]any)
	if !ok {
		return nil, fmt.Errorf("%v is neither a check nor a list of checks", entry)
	}
	var all andCheck
	for _, v := range list {
		s, ok := v.(string)
		if !ok {
			return nil, fmt.Errorf("%v is not a check", v)
		}
		c, err := g.single(s)
		if err != nil {
			return nil, err
		}
		all = append(all, c)
	}
	return all, nil
}

// token is a parenthesis, an operator in lower case, or a check.
type token struct {
	kind string // ( ) and or not check
	text string
}

// tokenize splits at white space; parentheses count only at a word's ends, since %(attribute)s has its own.
func tokenize(rule string) []token {
	var tokens []token
	for word := range strings.FieldsFuncSeq(rule, unicode.IsSpace) {
		inner := strings.TrimLeft(word, "(")
		for range len(word) - len(inner) {
			tokens = append(tokens, token{"(", "("})
		}
		clean := strings.TrimRight(inner, ")")
		switch lower := strings.ToLower(clean); lower {
		case "":
		case "and", "or", "not":
			tokens = append(tokens, token{lower, clean})
		default:
			tokens = append(tokens, token{"check", clean})
		}
		for range len(inner) - len(clean) {
			tokens = append(tokens, token{")", ")"})
		}
	}
	return tokens
}

// parser reads tokens by recursive descent: or binds loosest, then and, then not.
type parser struct {
	grammar
	tokens  []token
	at      int
	nesting int
}

// take goes past the next token if it is of the kind.
func (p *parser) take(kind string) bool {
	if p.at < len(p.tokens) && p.tokens[p.at].kind == kind {
		p.at++
		return true
	}
	return false
}

func (p *parser) disjunction() (check, error) {
	var parts orCheck
	for {
		c, err := p.conjunction()
		if err != nil {
			return nil, err
		}
		parts = append(parts, c)
		if p.take("or") {
			continue
		}
		if len(parts) == 1 {
			return parts[0], nil
		}
		return parts, nil
	}
}

func (p *parser) conjunction() (check, error) {
	var parts andCheck
	for {
		c, err := p.factor()
		if err != nil {
			return nil, err
		}
		parts = append(parts, c)
		if p.take("and") {
			continue
		}
		if len(parts) == 1 {
			return parts[0], nil
		}
		return parts, nil
	}
}

func (p *parser) factor() (check, error) {
	if p.nesting++; p.nesting > maxNesting {
		return nil, errors.New("it is nested too deeply")
	}
	defer func() { p.nesting-- }()
	switch {
	case p.take("not"):
		c, err := p.factor()
		return notCheck{c}, err
	case p.take("("):
		c, err := p.disjunction()
		if err == nil && !p.take(")") {
			err = errors.New("a parenthesis is not closed")
		}
		return c, err
	case p.take("check"):
		return p.single(p.tokens[p.at-1].text)
	case p.at < len(p.tokens):
		return nil, fmt.Errorf("%q is not expected there", p.tokens[p.at].text)
	}
	return nil, errors.New("it ends where a check should follow")
}

// single reads one check: @, ! or kind:match.
func (g grammar) single(s string) (check, error) {
	switch s {
	case "@":
		return constant(Yes), nil
	case "!":
		return constant(No), nil
	}
	kind, match, ok := strings.Cut(s, ":")
	if !ok || kind == "" {
		return nil, fmt.Errorf("%q is not a check: write @, ! or kind:match", s)
	}
	switch kind {
	case "rule":
		return ruleCheck(match), nil
	case "field":
		return g.field(match)
	case "http", "https":
		return nil, fmt.Errorf("%s: checks that ask another server (http:, https:) are not supported", s)
	}
	t, err := parseTemplate(match)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", s, err)
	}
	switch kind {
	case "role":
		return roleCheck{t}, nil
	case "tenant_id":
		return owner(t)
	}
	if value, ok := literal(kind); ok {
		return literalCheck{kind, value, t}, nil
	}
	return callerCheck{kind, t}, nil
}

// literal returns str() of the Python literal that s is: a quoted text, a whole number, True, False or None.
func literal(s string) (string, bool) {
	if n := len(s); n >= 2 && (s[0] == '\'' || s[0] == '"') && s[n-1] == s[0] {
		return s[1 : n-1], true
	}
	switch s {
	case "True", "False", "None":
		return s, true
	}
	digits := strings.TrimPrefix(s, "-")
	if digits == "" || strings.Trim(digits, "0123456789") != "" || len(digits) > 1 && digits[0] == '0' {
		return "", false
	}
	return s, true
}
