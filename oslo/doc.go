// Package oslo reads configuration as oslo.config does: INI files, several of them, into a struct whose tags are the documentation.
//
// An option is a field with the tags
//
//	BindPort int `oslo:"DEFAULT/bind_port" default:"9696" help:"The port that the API listens on."`
//
// Fields may be grouped in nested structs; the tag alone says where the option is in the files. The kinds are string, bool, int,
// float64, time.Duration (whole seconds in the files), []string (items separated by commas) and MultiString (one value for each time
// that the option is written). A field without the tag oslo is left alone. A boolean tag `secret:"true"` keeps a value out of what
// is printed.
//
// The syntax is that of oslo_config/iniparser.py: `key = value` or `key: value`, continuation lines that begin with white space,
// comments in lines that begin with # or ;, values in one pair of quotes. Values may refer to other options of the same group or of
// DEFAULT as $name or ${name} and of any group as $group.name or ${group.name}; $$ and \$ are a dollar sign. Later files win over
// earlier ones, and later lines over earlier ones; the values of a MultiString are gathered from all files.
package oslo
