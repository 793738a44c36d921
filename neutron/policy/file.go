package policy

import (
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"go.yaml.in/yaml/v2"
)

// Files says where the operator's rules are.
type Files struct {
	// File is policy_file: a path, or a name that is looked for in Search. Where the name is policy.yaml and there is only a
	// policy.json, that is read, as oslo.policy does.
	File string
	// Dirs is policy_dirs: directories whose files, in the order of their names, win over File. Those that do not exist are left out.
	Dirs []string
	// Search is the directories in which relative names are looked for, best first.
	Search []string
}

// version identifies the contents of a file without reading it.
type version struct {
	path  string
	size  int64
	mtime int64 // nanoseconds since 1970
}

// versions finds the files that exist now, in the order in which they are read.
func (f Files) versions() []version {
	var found []version
	if v, ok := f.find(f.File); ok {
		found = append(found, v)
	} else if f.File == "policy.yaml" {
		if v, ok := f.find("policy.json"); ok {
			found = append(found, v)
		}
	}
	for _, dir := range f.Dirs {
		if v, ok := f.find(dir); ok {
			found = append(found, inDirectory(v.path)...)
		}
	}
	return found
}

func (f Files) find(name string) (version, bool) {
	if name == "" {
		return version{}, false
	}
	if filepath.IsAbs(name) {
		return stat(name)
	}
	for _, dir := range f.Search {
		if v, ok := stat(filepath.Join(dir, name)); ok {
			return v, true
		}
	}
	return version{}, false
}

func stat(path string) (version, bool) {
	info, err := os.Stat(path)
	if err != nil {
		return version{}, false
	}
	return versionOf(path, info), true
}

func versionOf(path string, info fs.FileInfo) version {
	return version{path, info.Size(), info.ModTime().UnixNano()}
}

// inDirectory returns the directory's files that are not hidden. A file that goes away meanwhile is left out.
func inDirectory(dir string) []version {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil
	}
	var found []version
	for _, e := range entries {
		if v, ok := stat(filepath.Join(dir, e.Name())); ok && !e.IsDir() && !strings.HasPrefix(e.Name(), ".") {
			found = append(found, v)
		}
	}
	return found
}

// read gathers the rules of the files, later ones winning.
func read(files []version) (map[string]any, error) {
	all := map[string]any{}
	for _, f := range files {
		text, err := os.ReadFile(f.path)
		if err != nil {
			return nil, err
		}
		rules, err := ParseFile(text)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", f.path, err)
		}
		maps.Copy(all, rules)
	}
	return all, nil
}

// ParseFile reads a policy file, YAML or JSON: rules by name. A rule is a text or a list; one without a value allows everyone.
func ParseFile(text []byte) (map[string]any, error) {
	var rules map[string]any
	if err := yaml.Unmarshal(text, &rules); err != nil {
		return nil, err
	}
	for _, name := range slices.Sorted(maps.Keys(rules)) {
		switch v := rules[name].(type) {
		case nil, string, []any:
		default:
			return nil, fmt.Errorf("rule %s: %v is neither a text nor a list", name, v)
		}
	}
	return rules, nil
}
