package metadata

import (
	"encoding/json"
	"net/http"
	"net/netip"
	"slices"
	"strings"
)

// BuiltIn answers from what the topology says of the client, where there is no Nova: the part of EC2's tree and of OpenStack's
// meta_data.json that does not come from Nova's own tables. It takes nothing, and has neither keys nor user data.
type BuiltIn struct{}

// versions are the directories that both trees have besides latest; the oldest of each has all that there is here.
const ec2Version, openStackVersion = "2009-04-04", "2012-08-10"

// Answer is of Answerer.
func (BuiltIn) Answer(w http.ResponseWriter, r *http.Request, c Client) {
	if r.Method != http.MethodGet && r.Method != http.MethodHead {
		w.Header().Set("Allow", "GET, HEAD")
		refuse(w, http.StatusMethodNotAllowed, "The built-in metadata service takes nothing.")
		return
	}
	content, found := tree(c).at(r.URL.Path)
	if !found {
		refuse(w, http.StatusNotFound, notFound)
		return
	}
	kind := "text/plain; charset=UTF-8"
	if strings.HasSuffix(r.URL.Path, ".json") {
		kind = "application/json"
	}
	w.Header().Set("Content-Type", kind)
	_, _ = w.Write([]byte(content)) // the reader has gone: there is no one to tell
}

// files are what there is, by path.
type files map[string]string

// at returns the file, or the names in the directory, one a line and directories with a slash, as EC2 lists them.
func (f files) at(path string) (content string, found bool) {
	path = strings.Trim(path, "/")
	if content, found = f[path]; found {
		return content, true
	}
	var names []string
	for name := range f {
		rest, below := strings.CutPrefix(name, path+"/")
		if path == "" {
			rest, below = name, true
		}
		if !below {
			continue
		}
		if first, _, deeper := strings.Cut(rest, "/"); deeper {
			rest = first + "/"
		}
		if !slices.Contains(names, rest) {
			names = append(names, rest)
		}
	}
	slices.Sort(names)
	return strings.Join(names, "\n"), len(names) > 0
}

// tree returns the client's files.
func tree(c Client) files {
	f := files{}
	for _, version := range []string{"latest", ec2Version} {
		for name, value := range ec2(c) {
			if value != "" {
				f[version+"/meta-data/"+name] = value
			}
		}
	}
	for _, version := range []string{"latest", openStackVersion} {
		f["openstack/"+version+"/meta_data.json"] = openStack(c)
	}
	return f
}

func ec2(c Client) map[string]string {
	return map[string]string{
		"instance-id": c.Device, "hostname": c.Hostname, "local-hostname": c.Hostname, "mac": c.MAC.String(),
		"local-ipv4": first(c.Addresses, netip.Addr.Is4), "ipv6": first(c.Addresses, netip.Addr.Is6),
	}
}

func first(addrs []netip.Addr, of func(netip.Addr) bool) string {
	if i := slices.IndexFunc(addrs, of); i >= 0 {
		return addrs[i].String()
	}
	return ""
}

func openStack(c Client) string {
	text, err := json.Marshal(struct {
		UUID      string `json:"uuid"`
		Name      string `json:"name"`
		Hostname  string `json:"hostname"`
		ProjectID string `json:"project_id"`
	}{c.Device, c.Hostname, c.Hostname, c.Project})
	if err != nil {
		return "" // four texts have a JSON form
	}
	return string(text)
}
