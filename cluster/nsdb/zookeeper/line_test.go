package zookeeper

import (
	"encoding/binary"
	"io"
	"net"
	"sync"
	"sync/atomic"
	"testing"
)

// line is a connection to a member that can break.
type line struct {
	address string
	member  string
	broken  atomic.Int32 // how often an answer was withheld

	mu       sync.Mutex
	isCut    bool
	breaking bool // the answer to the next transaction does not come
	conns    map[net.Conn]struct{}
}

func newLine(t *testing.T, member string) *line {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	line := &line{address: l.Addr().String(), member: member, conns: map[net.Conn]struct{}{}}
	t.Cleanup(func() {
		l.Close()
		line.cut()
	})
	go func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			go line.carry(conn)
		}
	}()
	return line
}

// cut closes all connections and lets none through until mend.
func (l *line) cut() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.isCut = true
	for c := range l.conns {
		c.Close()
	}
}

func (l *line) mend() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.isCut = false
}

func (l *line) breakAfterMulti() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.breaking = true
}

func (l *line) carry(client net.Conn) {
	defer client.Close()
	member, err := net.Dial("tcp", l.member)
	if err != nil || !l.keep(client, member) {
		return
	}
	defer member.Close()
	var breaks atomic.Bool
	go func() {
		defer member.Close()
		defer client.Close()
		for first := true; ; first = false {
			packet, err := readPacket(client)
			if err != nil {
				return
			}
			if !first && len(packet) >= 12 && binary.BigEndian.Uint32(packet[8:]) == 14 && l.takeBreak() {
				breaks.Store(true)
			}
			if _, err := member.Write(packet); err != nil {
				return
			}
		}
	}()
	for {
		packet, err := readPacket(member)
		if err != nil || breaks.Load() && len(packet) > 20 { // an answer, not a ping's
			return
		}
		if _, err := client.Write(packet); err != nil {
			return
		}
	}
}

func (l *line) keep(conns ...net.Conn) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, c := range conns {
		l.conns[c] = struct{}{}
	}
	return !l.isCut
}

func (l *line) takeBreak() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	taken := l.breaking
	l.breaking = false
	if taken {
		l.broken.Add(1)
	}
	return taken
}

// readPacket reads one of the protocol's frames, with its length. In a request, the operation follows the number of the request; 14
// is a transaction (org.apache.zookeeper.ZooDefs.OpCode.multi).
func readPacket(r io.Reader) ([]byte, error) {
	length := make([]byte, 4)
	if _, err := io.ReadFull(r, length); err != nil {
		return nil, err
	}
	packet := make([]byte, 4+binary.BigEndian.Uint32(length))
	copy(packet, length)
	_, err := io.ReadFull(r, packet[4:])
	return packet, err
}
