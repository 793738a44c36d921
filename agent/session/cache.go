package session

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"io/fs"
	"os"

	"google.golang.org/protobuf/proto"

	"midonet.org/midonet/atomicfile"
	"midonet.org/midonet/topology"
	"midonet.org/midonet/topology/topologypb"
)

// errDamaged says that the cache is not what was written.
var errDamaged = errors.New("the checksum does not match")

// encodeCache returns the content of the cache file: the objects as one snapshot update, after their SHA-256.
func encodeCache(revision uint64, objects map[topology.Key]topology.Object) ([]byte, error) {
	u := &topologypb.Update{Snapshot: true, Revision: revision}
	for _, o := range objects {
		u.Put = append(u.Put, topologypb.ToProto(o))
	}
	body, err := proto.Marshal(u)
	sum := sha256.Sum256(body)
	return append(sum[:], body...), err
}

func decodeCache(data []byte) (*topologypb.Update, error) {
	if len(data) < sha256.Size {
		return nil, errDamaged
	}
	sum := sha256.Sum256(data[sha256.Size:])
	if !bytes.Equal(sum[:], data[:sha256.Size]) {
		return nil, errDamaged
	}
	u := new(topologypb.Update)
	return u, proto.Unmarshal(data[sha256.Size:], u)
}

// readCache returns what was last written, nil where there is no file.
func readCache(name string) (*topologypb.Update, error) {
	data, err := os.ReadFile(name)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	return decodeCache(data)
}

func writeCache(name string, revision uint64, objects map[topology.Key]topology.Object) error {
	data, err := encodeCache(revision, objects)
	if err != nil {
		return err
	}
	return atomicfile.Write(name, data, 0o600)
}
