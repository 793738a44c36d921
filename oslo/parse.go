package oslo

import (
	"bufio"
	"fmt"
	"io"
	"strings"
	"unicode"
)

// Entry is one assignment of a file.
type Entry struct {
	Group string // as written
	Name  string
	Value string // of several lines, joined by \n
	File  string
	Line  int // of the assignment's first line, from 1
}

// Where returns file:line.
func (e Entry) Where() string { return fmt.Sprintf("%s:%d", e.File, e.Line) }

// SyntaxError is a line that is not understood. The line itself is not in it: it may hold a secret.
type SyntaxError struct {
	File  string
	Line  int
	Cause string
}

func (e *SyntaxError) Error() string {
	return fmt.Sprintf("%s:%d: %s", e.File, e.Line, e.Cause)
}

// maxLine bounds a line, in octets. No option is near it; a file that is not configuration at all may be.
const maxLine = 1 << 20

// Parse reads a file's assignments in their order. name is for messages. The first line that is not understood is an error, always
// a *SyntaxError unless reading itself fails.
func Parse(r io.Reader, name string) ([]Entry, error) {
	p := parser{file: name}
	lines := bufio.NewScanner(r)
	lines.Buffer(nil, maxLine)
	for lines.Scan() {
		p.line++
		if err := p.take(strings.TrimRightFunc(lines.Text(), unicode.IsSpace)); err != nil {
			return nil, err
		}
	}
	if lines.Err() == bufio.ErrTooLong {
		return nil, &SyntaxError{File: name, Line: p.line + 1, Cause: "the line is too long"}
	}
	return p.entries, lines.Err()
}

type parser struct {
	file    string
	line    int
	group   string
	open    bool // the last entry may be continued
	entries []Entry
}

// take reads one line without its trailing white space.
func (p *parser) take(line string) error {
	switch {
	case line == "":
		p.open = false
	case line[0] == ' ' || line[0] == '\t':
		return p.continuation(line)
	case line[0] == '#' || line[0] == ';':
		p.open = false
	case line[0] == '[':
		return p.header(line)
	default:
		return p.assignment(line)
	}
	return nil
}

func (p *parser) continuation(line string) error {
	if !p.open {
		return p.bad("unexpected continuation line")
	}
	last := &p.entries[len(p.entries)-1]
	last.Value += "\n" + strings.TrimSpace(line)
	return nil
}

func (p *parser) header(line string) error {
	p.open = false
	if !strings.HasSuffix(line, "]") {
		return p.bad("a group header must end with ]")
	}
	if len(line) == 2 {
		return p.bad("the group has no name")
	}
	p.group = line[1 : len(line)-1]
	return nil
}

func (p *parser) assignment(line string) error {
	if p.group == "" {
		return p.bad("a group header such as [DEFAULT] must come before the first assignment")
	}
	at := strings.IndexAny(line, ":=")
	if at < 0 {
		return p.bad("no = or : found in the assignment")
	}
	name := strings.TrimSpace(line[:at])
	if name == "" {
		return p.bad("the option has no name")
	}
	value := unquote(strings.TrimSpace(line[at+1:]))
	p.entries = append(p.entries, Entry{Group: p.group, Name: name, Value: value, File: p.file, Line: p.line})
	p.open = true
	return nil
}

func (p *parser) bad(cause string) error {
	return &SyntaxError{File: p.file, Line: p.line, Cause: cause}
}

// unquote takes one pair of quotes off a value.
func unquote(s string) string {
	if len(s) >= 2 && (s[0] == '"' || s[0] == '\'') && s[len(s)-1] == s[0] {
		return s[1 : len(s)-1]
	}
	return s
}
