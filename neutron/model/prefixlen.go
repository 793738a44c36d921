package model

import (
	"encoding/json"
	"fmt"
	"strconv"
)

// PrefixLen is how many bits of an address name the network. Subnet pools write it as a text, as Neutron does
// (_make_subnetpool_dict), and take a number or a text.
type PrefixLen int

// MarshalJSON writes the number as a text.
func (n PrefixLen) MarshalJSON() ([]byte, error) { return json.Marshal(strconv.Itoa(int(n))) }

// UnmarshalJSON reads a number or a text.
func (n *PrefixLen) UnmarshalJSON(b []byte) error {
	var s string
	if json.Unmarshal(b, &s) != nil {
		s = string(b)
	}
	v, err := strconv.Atoi(s)
	if err != nil {
		return fmt.Errorf("%s is not a prefix length", b)
	}
	*n = PrefixLen(v)
	return nil
}
