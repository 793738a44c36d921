package store

import (
	"encoding/json"
	"slices"
	"testing"

	"pgregory.net/rapid"
)

// TestPackedTextsComeBack: whatever a row holds, its elements are read as they are in JSON, with and without the space that MySQL puts
// between them.
func TestPackedTextsComeBack(t *testing.T) {
	rapid.Check(t, func(r *rapid.T) {
		texts := rapid.SliceOfN(rapid.String(), 1, 5).Draw(r, "texts")
		packedText := "["
		for i, s := range texts {
			if i > 0 {
				packedText += rapid.SampledFrom([]string{",", ", "}).Draw(r, "separator")
			}
			quoted, _ := json.Marshal(s)
			packedText += string(quoted)
		}
		var p packed
		if err := p.unpack(packedText + "]"); err != nil {
			r.Fatal(err)
		}
		got, targets := make([]string, len(texts)), []any{}
		for i := range got {
			targets = append(targets, &got[i])
		}
		var plain []string
		json.Unmarshal([]byte(packedText+"]"), &plain) // replaces what is not UTF-8, as json.Marshal has done
		if err := p.Scan(targets...); err != nil || !slices.Equal(got, plain) {
			r.Fatalf("%s: %q, %v", packedText, got, err)
		}
	})
}

// TestPackedRowsComeInOrder: by number, then by text, whatever the order in which the engine has packed them.
func TestPackedRowsComeInOrder(t *testing.T) {
	var got []string
	err := eachRow(new(packed), `[10,"a"],[9, "b]"],[9,"\"["],[-1,"c,"]`, func(r row) error {
		var n int
		var s string
		err := r.Scan(&n, &s)
		got = append(got, s)
		return err
	})
	if want := []string{"c,", `"[`, "b]", "a"}; err != nil || !slices.Equal(got, want) {
		t.Errorf("%q, %v; want %q", got, err, want)
	}
}

// TestWhatIsCutIsNoticed: MySQL cuts what is longer than group_concat_max_len, and says so in a warning alone.
func TestWhatIsCutIsNoticed(t *testing.T) {
	whole := `[1,"a"],[2,"b"]`
	for n := range whole {
		if n == len(`[1,"a"]`) { // a whole row, which could be all
			continue
		}
		if err := eachRow(new(packed), whole[:n], func(row) error { return nil }); err == nil {
			t.Errorf("%s passed", whole[:n])
		}
	}
}

func TestPackedFaults(t *testing.T) {
	for _, text := range []string{``, `{}`, `[1`, `["a]`, `[1]x`, `["a"b]`, `[1],[2]`, `null`} {
		var p packed
		if p.unpack(text) == nil {
			t.Errorf("%s is taken for a row", text)
		}
	}
	var p packed
	if err := p.unpack(`["x",null]`); err != nil {
		t.Fatal(err)
	}
	var s string
	var n int
	var b bool
	for _, targets := range [][]any{{&s}, {&n, &s}, {&b, &s}, {&s, &n}, {&s, &b}, {&s, &s}, {&s, &struct{}{}}} {
		if p.Scan(targets...) == nil {
			t.Errorf(`["x",null] was read into %T`, targets)
		}
	}
}
