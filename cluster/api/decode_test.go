package api

import (
	"encoding/json"
	"fmt"
	"net/netip"
	"testing"
)

// TestBodiesAsTheyAreTyped reads what midonet-cli sends, where numbers and truth values are the texts that its user has typed.
func TestBodiesAsTheyAreTyped(t *testing.T) {
	type inner struct {
		Deep *uint16 `json:"deep"`
	}
	type document struct {
		Int    int         `json:"int"`
		Opt    *int64      `json:"opt"`
		Flag   *bool       `json:"flag"`
		Text   string      `json:"text"`
		Number json.Number `json:"number"`
		Addr   netip.Addr  `json:"addr"`
		List   []int       `json:"list"`
		Part   *inner      `json:"part"`
		inner
	}
	text := func(d document) string {
		out, err := json.Marshal(d)
		if err != nil {
			t.Fatal(err)
		}
		return string(out)
	}
	for body, want := range map[string]document{
		`{}`: {},
		`{"int": "7", "opt": "-9", "flag": "true", "text": 5, "number": "16", "addr": "10.0.0.1"}`: {Int: 7, Opt: new(int64(-9)), Flag: new(true), Text: "5",
			Number: "16", Addr: netip.MustParseAddr("10.0.0.1")},
		`{"int": 7, "opt": null, "flag": false, "text": true, "number": 16, "list": ["1", 2]}`: {Int: 7, Flag: new(false), Text: "true", Number: "16", List: []int{1, 2}},
		`{"opt": "", "flag": "", "text": "", "part": {"deep": "65535"}, "deep": "1", "unknown": {"a": ["1"]}}`: {Part: &inner{new(uint16(65535))},
			inner: inner{new(uint16(1))}},
		`{"INT": "7"}`: {Int: 7},
	} {
		var got document
		if err := (&call{body: []byte(body)}).decode(&got); err != nil {
			t.Errorf("%s: %v", body, err)
		} else if text(got) != text(want) {
			t.Errorf("%s: %s, want %s", body, text(got), text(want))
		}
	}
	for _, body := range []string{``, `{`, `[]`, `{} {}`, `{"int": "x"}`, `{"int": "1.5"}`, `{"int": "0x10"}`, `{"int": "+1"}`, `{"int": " 1"}`, `{"int": true}`,
		`{"flag": "yes"}`, `{"flag": 1}`, `{"int": "7"} x`, `{"deep": "65536"}`, `{"text": {}}`, `{"list": "1"}`, fmt.Sprintf(`{"int": "%s"}`, "99999999999999999999")} {
		var got document
		if err := (&call{body: []byte(body)}).decode(&got); err == nil {
			t.Errorf("%s is read as %s", body, text(got))
		}
	}
}
