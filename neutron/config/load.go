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
	entries, err := oslo.Read(files...)
	if err != nil {
		return nil, nil, err
	}
	o := &Options{}
	warnings, err := oslo.Fill(o, known(), entries)
	if err != nil {
		return nil, nil, err
	}
	if err := o.checkAt(entries); err != nil {
		return nil, nil, err
	}
	o.Unread = oslo.Unread(known(), entries)
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
