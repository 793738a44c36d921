package apidef

import (
	"fmt"
	"testing"
)

func TestSegmentsOfARequest(t *testing.T) {
	const attr = "Invalid input for segments. Reason: "
	for _, c := range []struct{ body, want string }{
		{`[]`, "[]"},
		{`[{"provider:network_type":"midonet","provider:physical_network":null,"provider:segmentation_id":0}]`,
			"[map[provider:network_type:midonet provider:physical_network:<nil>]]"},
		{`[{"provider:segmentation_id":"7"}]`, "[map[provider:segmentation_id:7]]"},
		{`[{"provider:segmentation_id":"x"}]`, "Invalid input for operation: 'x' is not an integer."},
		{`[{"a":1,"b":2}]`, "Unrecognized attribute(s) 'a, b'"},
		{`null`, attr + "'None' is not a list."},
		{`{}`, "[]"},
		{`{"a":1}`, attr + "'{'a': 1}' is not a list."},
		{`["x"]`, attr + "'x' is not a dictionary."},
		{`[{"provider:network_type":7}]`, attr + "provider:network_type: '7' is not a valid string."},
	} {
		v, err := Networks().Attribute("segments").check(decode(t, `{"v":`+c.body+`}`)["v"])
		got := fmt.Sprint(v)
		if err != nil {
			got = err.Error()
		}
		if got != c.want {
			t.Errorf("%s: %s, want %s", c.body, got, c.want)
		}
	}
}
