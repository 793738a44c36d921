package model

import (
	"encoding/json"
	"strconv"
	"time"
)

// parse reads a JSON value into what p points to, and reports whether it has: the types that every resource has, in the form that appenderOf
// gives them. Whatever else there is goes through encoding/json, which takes five times as long.
func parse(p any, value []byte) bool {
	switch p := p.(type) {
	case *string:
		text, ok := plain(value)
		if ok {
			*p = string(text)
		}
		return ok
	case *bool:
		switch string(value) {
		case "true":
			*p = true
		case "false":
			*p = false
		default:
			return false
		}
		return true
	case *int:
		n, err := strconv.Atoi(string(value))
		if err == nil {
			*p = n
		}
		return err == nil
	case *int64:
		n, err := strconv.ParseInt(string(value), 10, 64)
		if err == nil {
			*p = n
		}
		return err == nil
	case *Time:
		text, ok := plain(value)
		if ok = ok && len(text) == len(timeLayout) && text[len(text)-1] == 'Z'; !ok {
			return false
		}
		t, err := time.Parse(time.RFC3339, string(text)) // which package time reads faster than the same without zones
		p.Time = t
		return err == nil
	case json.Unmarshaler: // has a form of its own
		return false
	case textual:
		text, ok := plain(value)
		return ok && p.UnmarshalText(text) == nil
	}
	return false
}

// textual are the types that JSON has as texts.
type textual interface{ UnmarshalText([]byte) error }

// plain returns the text of a JSON string that has no escapes and no letters beyond ASCII.
func plain(value []byte) (text []byte, ok bool) {
	if len(value) < 2 || value[0] != '"' {
		return nil, false
	}
	text = value[1 : len(value)-1]
	for _, c := range text {
		if c < ' ' || c > '~' || c == '\\' || c == '"' {
			return nil, false
		}
	}
	return text, true
}
