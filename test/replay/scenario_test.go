package replay

import (
	"fmt"
	"strings"
)

// scenario is a file: what the server's configuration has beside the usual, and requests in order.
type scenario struct {
	configuration string // of neutron.conf; empty: nothing
	exchanges     []exchange
}

// parse reads a scenario: the configuration, where it has one, and below it
//
//	### title
//	METHOD /path
//	AS project role,role        (who asks, where the server has Keystone; none: without Keystone)
//	request body, any number of lines
//	-> name = path.in.the.answer
//	<-- status
//	answer body, any number of lines
func parse(text string) (s scenario, err error) {
	blocks := strings.Split("\n"+text, "\n### ")
	s.configuration = strings.TrimSpace(blocks[0])
	for _, block := range blocks[1:] {
		e, err := parseExchange(block)
		if err != nil {
			return s, err
		}
		s.exchanges = append(s.exchanges, e)
	}
	return s, nil
}

func parseExchange(block string) (exchange, error) {
	lines := strings.Split(strings.TrimSpace(block), "\n")
	e := exchange{title: lines[0]}
	if len(lines) < 2 {
		return e, fmt.Errorf("%s: no request", e.title)
	}
	var ok bool
	if e.method, e.path, ok = strings.Cut(lines[1], " "); !ok {
		return e, fmt.Errorf("%s: %q is not METHOD PATH", e.title, lines[1])
	}
	part := &e.body
	for _, l := range lines[2:] {
		switch {
		case strings.HasPrefix(l, "-> "):
			name, path, _ := strings.Cut(strings.TrimPrefix(l, "-> "), " = ")
			e.captures = append(e.captures, capture{name, path})
		case strings.HasPrefix(l, "AS "):
			var roles string
			e.caller.Project, roles, _ = strings.Cut(strings.TrimPrefix(l, "AS "), " ")
			e.caller.Roles = strings.Split(roles, ",")
		case strings.HasPrefix(l, "<-- "):
			if _, err := fmt.Sscan(strings.TrimPrefix(l, "<-- "), &e.status); err != nil {
				return e, fmt.Errorf("%s: %q is not a status", e.title, l)
			}
			part = &e.answer
		default:
			*part += l + "\n"
		}
	}
	e.body, e.answer = strings.TrimSpace(e.body), strings.TrimSpace(e.answer)
	return e, nil
}

// format is the inverse of parse.
func format(s scenario) string {
	var b strings.Builder
	if s.configuration != "" {
		b.WriteString(s.configuration + "\n\n")
	}
	for _, e := range s.exchanges {
		fmt.Fprintf(&b, "### %s\n%s %s\n", e.title, e.method, e.path)
		if e.caller.Project != "" {
			fmt.Fprintf(&b, "AS %s %s\n", e.caller.Project, strings.Join(e.caller.Roles, ","))
		}
		if e.body != "" {
			b.WriteString(e.body + "\n")
		}
		for _, c := range e.captures {
			fmt.Fprintf(&b, "-> %s = %s\n", c.name, c.path)
		}
		fmt.Fprintf(&b, "<-- %d\n", e.status)
		if e.answer != "" {
			b.WriteString(e.answer + "\n")
		}
		b.WriteString("\n")
	}
	return b.String()
}
