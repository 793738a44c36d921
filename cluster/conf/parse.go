package conf

import (
	"encoding/json"
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"unicode/utf8"
)

// maxDepth is how many objects and lists may stand in each other.
const maxDepth = 64

// Error says what is wrong with a document, and where.
type Error struct {
	Line int // counts from 1
	What string
}

func (e *Error) Error() string { return fmt.Sprintf("line %d: %s", e.Line, e.What) }

// Parse reads a document. Its error is an *Error.
func Parse(text string) (Config, error) {
	p := &parser{text: text}
	c, err := p.document()
	if err != nil {
		return nil, err
	}
	return c, nil
}

// parser reads a text from its beginning to its end. Its methods leave it behind what they have read.
type parser struct {
	text  string
	at    int
	depth int
}

func (p *parser) document() (Config, error) {
	if !utf8.ValidString(p.text) {
		return nil, p.fail("is no UTF-8")
	}
	p.space()
	if p.next("[") {
		return nil, p.fail("is a list, and a configuration is an object")
	}
	if !p.take("{") { // the outermost object needs none
		return p.fields("")
	}
	c, err := p.fields("}")
	if err != nil {
		return nil, err
	}
	if p.space(); p.at < len(p.text) {
		return nil, p.fail("goes on behind its end")
	}
	return c, nil
}

func (p *parser) fail(format string, args ...any) error {
	return &Error{1 + strings.Count(p.text[:p.at], "\n"), fmt.Sprintf(format, args...)}
}

func (p *parser) next(s string) bool { return strings.HasPrefix(p.text[p.at:], s) }

func (p *parser) take(s string) bool {
	if !p.next(s) {
		return false
	}
	p.at += len(s)
	return true
}

// blank passes over spaces and comments of a line.
func (p *parser) blank() {
	for p.at < len(p.text) {
		switch {
		case strings.IndexByte(" \t\r\f", p.text[p.at]) >= 0:
			p.at++
		case p.next("\u00a0") || p.next("\ufeff"):
			_, n := utf8.DecodeRuneInString(p.text[p.at:])
			p.at += n
		case p.next("#") || p.next("//"):
			end := strings.IndexByte(p.text[p.at:], '\n')
			if end < 0 {
				end = len(p.text) - p.at
			}
			p.at += end
		default:
			return
		}
	}
}

// space passes over blanks and ends of lines.
func (p *parser) space() {
	for p.blank(); p.take("\n"); p.blank() {
	}
}

// down counts one object or list more that the parser is in; the caller subtracts it again.
func (p *parser) down() error {
	if p.depth++; p.depth > maxDepth {
		return p.fail("has more than %d objects and lists in each other", maxDepth)
	}
	return nil
}

// fields reads what is in an object, up to its end; "" is that of the text.
func (p *parser) fields(end string) (Config, error) {
	if err := p.down(); err != nil {
		return nil, err
	}
	defer func() { p.depth-- }()
	c := Config{}
	for {
		p.space()
		if p.ended(end) {
			return c, nil
		}
		if err := p.field(c); err != nil {
			return nil, err
		}
		if err := p.separator(end); err != nil {
			return nil, err
		}
	}
}

// ended reports whether an object or list is at its end, which it takes.
func (p *parser) ended(end string) bool {
	if end == "" {
		return p.at == len(p.text)
	}
	return p.take(end)
}

// separator reads what stands between the members of an object or list: a comma or the end of a line, if it is not the end of all.
func (p *parser) separator(end string) error {
	p.blank()
	line := p.next("\n")
	p.space()
	if p.take(",") || line || end != "" && p.next(end) || end == "" && p.at == len(p.text) {
		return nil
	}
	return p.fail("neither a comma nor the end of a line follows a value")
}

func (p *parser) field(c Config) error {
	path, err := p.path()
	if err != nil {
		return err
	}
	grows := false
	switch {
	case p.next("{"):
	case p.take("+="):
		grows = true
	case !p.take("=") && !p.take(":"):
		return p.fail("key %q has no value", strings.Join(path, "."))
	}
	p.space()
	value, err := p.value()
	if err != nil {
		return err
	}
	if grows {
		had := c.at(path)
		list, ok := had.([]any)
		if had != nil && !ok {
			return p.fail("%q is no list that could grow", strings.Join(path, "."))
		}
		value = append(list[:len(list):len(list)], value)
	}
	c.set(path, value)
	return nil
}

// path reads a key, whose parts are parted by dots.
func (p *parser) path() ([]string, error) {
	var path []string
	part, quoted := "", false
	end := func() error {
		if !quoted {
			part = strings.TrimSpace(part)
		}
		if part == "" && !quoted {
			return p.fail("a key, or a part of one, is empty")
		}
		path, part, quoted = append(path, part), "", false
		return nil
	}
	for {
		switch {
		case p.next(`"`):
			text, err := p.quoted()
			if err != nil {
				return nil, err
			}
			part, quoted = strings.TrimLeft(part, " \t")+text, true
		case p.take("."):
			if err := end(); err != nil {
				return nil, err
			}
		case p.at == len(p.text) || strings.IndexByte("{=:+\n", p.text[p.at]) >= 0:
			err := end()
			if err == nil && strings.HasPrefix(path[0], "include ") {
				err = p.fail("other documents cannot be included")
			}
			return path, err
		case p.forbidden():
			return nil, p.fail("a key has a %q, which is to be in quotes", p.text[p.at])
		default:
			if quoted && strings.IndexByte(" \t\r", p.text[p.at]) < 0 {
				quoted = false
			}
			if !quoted {
				part += p.text[p.at : p.at+1]
			}
			p.at++
		}
	}
}

// forbidden reports whether what is next cannot be part of a text without quotes.
func (p *parser) forbidden() bool {
	return strings.IndexByte("$\"{}[]:=,+#`^?!@*&\\\n", p.text[p.at]) >= 0 || p.next("//")
}

// value reads a value, which may be put together of several: texts of texts, objects of objects, lists of lists.
func (p *parser) value() (any, error) {
	var whole any
	text, texts, quoted, parts := "", 0, false, 0
	for {
		gap := p.at
		p.blank()
		between := p.text[gap:p.at]
		if p.at == len(p.text) || strings.IndexByte(",\n}]", p.text[p.at]) >= 0 {
			break
		}
		parts++
		var part any
		var err error
		switch {
		case p.take("{"):
			part, err = p.fields("}")
		case p.take("["):
			part, err = p.list()
		default:
			var word string
			isQuoted := p.next(`"`)
			if word, err = p.word(); texts > 0 {
				text += between
			}
			text, texts, quoted = text+word, texts+1, quoted || isQuoted
		}
		if err != nil {
			return nil, err
		}
		if part == nil {
			continue
		}
		if whole, err = p.together(whole, part); err != nil {
			return nil, err
		}
	}
	switch {
	case parts == 0:
		return nil, p.fail("there is no value")
	case texts == 0:
		return whole, nil
	case texts < parts:
		return nil, p.fail("a text is put together with an object or a list")
	case quoted || texts > 1:
		return text, nil
	}
	return literal(text), nil
}

// together joins the parts of a value; whole is nil for none yet.
func (p *parser) together(whole, part any) (any, error) {
	switch whole := whole.(type) {
	case nil:
		return part, nil
	case Config:
		if part, ok := part.(Config); ok {
			return part.Over(whole), nil
		}
	case []any:
		if part, ok := part.([]any); ok {
			return append(whole, part...), nil
		}
	}
	return nil, p.fail("an object is put together with a list")
}

func (p *parser) list() (any, error) {
	if err := p.down(); err != nil {
		return nil, err
	}
	defer func() { p.depth-- }()
	list := []any{}
	for {
		p.space()
		if p.ended("]") {
			return list, nil
		}
		if p.at == len(p.text) {
			return nil, p.fail("a list has no end")
		}
		value, err := p.value()
		if err != nil {
			return nil, err
		}
		list = append(list, value)
		if err := p.separator("]"); err != nil {
			return nil, err
		}
	}
}

// word reads a text, in quotes or up to what cannot be part of one without.
func (p *parser) word() (string, error) {
	if p.next(`"`) {
		return p.quoted()
	}
	if p.next("${") {
		return "", p.fail("other keys cannot be referred to")
	}
	from := p.at
	for p.at < len(p.text) && !p.forbidden() && strings.IndexByte(" \t\r", p.text[p.at]) < 0 {
		p.at++
	}
	if p.at == from {
		return "", p.fail("a text has a %q, which is to be in quotes", p.text[p.at])
	}
	return p.text[from:p.at], nil
}

// quoted reads a text in quotes: JSON's, or three of them, between which everything stands for itself.
func (p *parser) quoted() (string, error) {
	if p.take(`"""`) {
		end := strings.Index(p.text[p.at:], `"""`)
		if end < 0 {
			return "", p.fail("a text in quotes has no end")
		}
		for strings.HasPrefix(p.text[p.at+end+3:], `"`) { // more quotes are the text's
			end++
		}
		text := p.text[p.at : p.at+end]
		p.at += end + 3
		return text, nil
	}
	for end := p.at + 1; end < len(p.text) && p.text[end] != '\n'; end++ {
		switch p.text[end] {
		case '\\':
			end++
		case '"':
			var text string
			if json.Unmarshal([]byte(p.text[p.at:end+1]), &text) != nil {
				return "", p.fail("%s is no text of JSON", p.text[p.at:end+1])
			}
			p.at = end + 1
			return text, nil
		}
	}
	return "", p.fail("a text in quotes has no end")
}

var number = regexp.MustCompile(`^-?(0|[1-9][0-9]*)(\.[0-9]+)?([eE][+-]?[0-9]+)?$`)

// literal returns what a text without quotes stands for.
func literal(text string) any {
	switch {
	case text == "null":
		return nil
	case text == "true" || text == "false":
		b, _ := strconv.ParseBool(text)
		return b
	case number.MatchString(text):
		return json.Number(text)
	}
	return text
}
