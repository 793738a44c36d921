package config

import (
	_ "embed"
	"strings"

	"midonet.org/midonet/oslo"
)

// knownText lists options of Neutron that nothing here reads: group/name, or group/* for all of a group's, one a line.
//
//go:embed known.txt
var knownText string

// Load reads the files in order, later ones winning, and checks what was read. Without files it returns the defaults. The warnings
// are about options that neither we nor Neutron know.
func Load(files ...string) (*Options, []oslo.Warning, error) {
	o := &Options{}
	warnings, err := oslo.Load(o, known(), files...)
	if err != nil {
		return nil, nil, err
	}
	if err := o.Check(); err != nil {
		return nil, nil, err
	}
	return o, warnings, nil
}

func known() []string {
	var names []string
	for line := range strings.Lines(knownText) {
		if line = strings.TrimSpace(line); line != "" && line[0] != '#' {
			names = append(names, line)
		}
	}
	return names
}
