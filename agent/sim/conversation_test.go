package sim

import (
	"bytes"
	"encoding/binary"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/tools/txtar"

	"midonet.org/midonet/agent/packet"
	"midonet.org/midonet/agent/view/viewtest"
	"midonet.org/midonet/topology"
)

// TestConversations runs the scripts of testdata/conversations. A script is a topology, which may begin with another script's, and
// conversations: what is said in one of them is remembered until its end. Each line that begins with ">" is a packet, whose walk and what
// came of it follow; of one that begins with "+" it is only what came of it:
//
//   - PORT DESCRIPTION                  as in the scripts of testdata
//     > PORT answers                      who got the last packet answers it
//     > PORT says type N code N value N   who got the last packet sends an ICMP error about it
//
// Run with -update after a change, and read the difference.
func TestConversations(t *testing.T) {
	scripts, err := filepath.Glob("testdata/conversations/*.txtar")
	if err != nil || len(scripts) == 0 {
		t.Fatalf("no scripts: %v", err)
	}
	update := flag.Lookup("update").Value.String() == "true"
	for _, script := range scripts {
		t.Run(strings.TrimSuffix(filepath.Base(script), ".txtar"), func(t *testing.T) {
			a, err := txtar.ParseFile(script)
			if err != nil {
				t.Fatal(err)
			}
			like := filepath.Join("testdata", strings.TrimPrefix(a.Files[0].Name, "topology, after that of "))
			for i, f := range a.Files[1:] {
				got := converse(t, labOf(t, like, string(a.Files[0].Data)), string(f.Data))
				if diff := cmp.Diff(string(f.Data), got); diff != "" && !update {
					t.Errorf("%s (-want +got):\n%s", f.Name, diff)
				}
				a.Files[i+1].Data = []byte(got)
			}
			if update {
				if err := os.WriteFile(script, txtar.Format(a), 0o644); err != nil {
					t.Fatal(err)
				}
			}
		})
	}
}

// converse sends the packets of a conversation, and returns them with what becomes of each.
func converse(t *testing.T, l *lab, script string) string {
	t.Helper()
	var text bytes.Buffer
	var last *packet.Packet
	for line := range strings.Lines(script) {
		kind, question, _ := strings.Cut(strings.TrimSpace(line), " ")
		if kind != ">" && kind != "+" {
			continue
		}
		text.WriteString(line)
		port, words, _ := strings.Cut(question, " ")
		frame := said(t, words, last)
		if kind == ">" {
			r := Simulate(l.view, Input{InPort: viewtest.ID[topology.Port](port), Frame: frame, State: l.state, Trace: true})
			if err := Format(&text, r, l.view); err != nil {
				t.Fatal(err)
			}
		}
		at, got := l.send(port, frame)
		if got == nil {
			continue
		}
		last = got
		fmt.Fprintf(&text, "%s gets %s\n", at, describe(got))
		if q, ok := got.Quoted(); ok {
			fmt.Fprintf(&text, "   of MTU %d, about %s %s:%d > %s:%d\n", binary.BigEndian.Uint32(got.Frame[got.L4+4:]), packet.ProtoName(q.Proto), q.Src,
				q.SrcPort, q.Dst, q.DstPort)
		}
	}
	return text.String()
}

// said returns the frame that the words of a question stand for.
func said(t *testing.T, words string, last *packet.Packet) []byte {
	t.Helper()
	if words == "answers" {
		return answerTo(last)
	}
	var kind, code uint16
	var value uint32
	if n, _ := fmt.Sscanf(words, "says type %d code %d value %d", &kind, &code, &value); n == 3 {
		h := packet.Header{SrcMAC: last.DstMAC, DstMAC: last.SrcMAC, SrcIP: last.DstIP, DstIP: last.SrcIP, SrcPort: kind, DstPort: code, TTL: 64}
		return h.Error(value, last.Frame[last.L3:last.End])
	}
	return frameOf(t, words)
}
