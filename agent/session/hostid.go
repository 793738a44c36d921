package session

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strings"

	"midonet.org/midonet/atomicfile"
	"midonet.org/midonet/id"
	"midonet.org/midonet/topology"
)

// hostIDProperty is the name under which MidoNet keeps the UUID in a Java properties file
// (midonet-util/src/main/java/org/midonet/conf/HostIdGenerator.java).
const hostIDProperty = "host_uuid"

// hostID returns the UUID in the named properties file, and makes one if there is no such file. A file without a UUID is an
// error: a new identity would leave the old one's ports behind.
func hostID(name string) (topology.HostID, error) {
	data, err := os.ReadFile(name)
	if errors.Is(err, fs.ErrNotExist) {
		host := id.New[topology.Host]()
		return host, atomicfile.Write(name, fmt.Appendf(nil, "%s=%s\n", hostIDProperty, host), 0o644)
	}
	if err != nil {
		return topology.HostID{}, err
	}
	for line := range strings.Lines(string(data)) {
		name, value, _ := strings.Cut(line, "=")
		if strings.TrimSpace(name) != hostIDProperty {
			continue
		}
		if host, err := id.Parse[topology.Host](strings.TrimSpace(value)); err == nil && !host.IsZero() {
			return host, nil
		}
	}
	return topology.HostID{}, fmt.Errorf(
		"%s does not say %s=UUID; put the host's UUID back, or remove the file to become a new host", name, hostIDProperty)
}
