package ebpf

import (
	"encoding/binary"
	"errors"
	"fmt"
	"sync"
	"unsafe"

	cilium "github.com/cilium/ebpf"
	"golang.org/x/sys/unix"

	"midonet.org/midonet/agent/datapath"
)

// slots is EXEC_SLOTS of bpf/types.h: how many packets one system call sends.
const slots = 64

// markSpace is the room of a control message with one 32-bit number.
var markSpace = unix.CmsgSpace(4)

// mmsghdr is struct mmsghdr of sendmmsg(2).
type mmsghdr struct {
	header unix.Msghdr
	sent   uint32
	_      [4]byte
}

// sender writes frames to the inject device, each marked with the slot of its actions. The program behind the device has run when
// the system call returns, so a slot is free again then.
type sender struct {
	mu   sync.Mutex
	fd   int
	exec *cilium.Memory // a bpfActions for each slot, which the program sees as soon as it is written

	used     int
	offloads [slots][vnetHeaderLen]byte
	parts    [slots][2]unix.Iovec
	control  []byte
	messages [slots]mmsghdr
}

func newSender(ifindex uint32, exec *cilium.Map) (*sender, error) {
	fd, err := unix.Socket(unix.AF_PACKET, unix.SOCK_RAW|unix.SOCK_CLOEXEC, 0) // protocol 0: it receives nothing
	if err != nil {
		return nil, fmt.Errorf("packet socket: %w", err)
	}
	err = unix.SetsockoptInt(fd, unix.SOL_PACKET, unix.PACKET_VNET_HDR, 1)
	if err == nil {
		err = unix.Bind(fd, &unix.SockaddrLinklayer{Ifindex: int(ifindex)})
	}
	if err != nil {
		unix.Close(fd)
		return nil, fmt.Errorf("packet socket of the inject device: %w", err)
	}
	memory, err := exec.Memory()
	if err != nil {
		unix.Close(fd)
		return nil, fmt.Errorf("mapping the actions of packets: %w", err)
	}
	s := &sender{fd: fd, exec: memory, control: make([]byte, slots*markSpace)}
	for i := range slots {
		s.prepare(i)
	}
	return s, nil
}

// prepare fills what is the same for every packet in a slot: where its parts are, and the mark.
func (s *sender) prepare(slot int) {
	control := s.control[slot*markSpace : (slot+1)*markSpace]
	c := (*unix.Cmsghdr)(unsafe.Pointer(&control[0]))
	c.Level, c.Type = unix.SOL_SOCKET, unix.SO_MARK
	c.SetLen(unix.CmsgLen(4))
	binary.NativeEndian.PutUint32(control[unix.CmsgLen(0):], uint32(slot)+1)
	s.parts[slot][0] = unix.Iovec{Base: &s.offloads[slot][0], Len: vnetHeaderLen}
	h := &s.messages[slot].header
	h.Iov, h.Iovlen = &s.parts[slot][0], 2
	h.Control = &control[0]
	h.SetControllen(markSpace)
}

func (s *sender) full() bool { return s.used == slots }

// add queues a frame, which must stay as it is until flush.
func (s *sender) add(frame []byte, o datapath.Offload, a *bpfActions) error {
	const size = unsafe.Sizeof(*a)
	if _, err := s.exec.WriteAt(unsafe.Slice((*byte)(unsafe.Pointer(a)), size), int64(s.used)*int64(size)); err != nil {
		return fmt.Errorf("writing a packet's actions: %w", err)
	}
	s.offloads[s.used] = vnetHeader(frame, o)
	s.parts[s.used][1] = unix.Iovec{Base: unsafe.SliceData(frame), Len: uint64(len(frame))}
	s.used++
	return nil
}

// flush sends what is queued and returns how many frames the kernel refused.
func (s *sender) flush() (failed int, err error) {
	if s.used == 0 {
		return 0, nil
	}
	n := s.used
	s.used = 0
	for done := 0; done < n; {
		sent, err := s.send(s.messages[done:n])
		switch {
		case errors.Is(err, unix.EINTR):
		case errors.Is(err, unix.EBADF):
			return failed + n - done, fmt.Errorf("sending packets: %w", err)
		case err != nil: // the first one is at fault: sendmmsg(2) reports an error only when it has sent none
			failed++
			done++
		}
		done += sent
	}
	return failed, nil
}

func (s *sender) send(messages []mmsghdr) (int, error) {
	n, _, errno := unix.Syscall6(unix.SYS_SENDMMSG, uintptr(s.fd), uintptr(unsafe.Pointer(&messages[0])), uintptr(len(messages)), 0, 0, 0)
	if errno != 0 {
		return 0, errno
	}
	return int(n), nil
}

func (s *sender) close() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.fd >= 0 {
		unix.Close(s.fd)
		s.fd = -1
	}
}

// Fields of struct virtio_net_hdr (Virtual I/O Device 1.2, section 5.1.6), by which a packet socket is told of offloads.
const (
	vnetHeaderLen     = 10
	vnetNeedsChecksum = 1
	vnetTCPv4         = 1
	vnetTCPv6         = 4
	vnetUDP           = 5
)

func vnetHeader(frame []byte, o datapath.Offload) (h [vnetHeaderLen]byte) {
	if !o.ChecksumPartial {
		return h
	}
	number := binary.NativeEndian
	h[0] = vnetNeedsChecksum
	number.PutUint16(h[6:], o.ChecksumStart)
	number.PutUint16(h[8:], o.ChecksumOffset)
	if o.SegmentSize != 0 {
		kind, headers := segmentation(frame, o)
		h[1] = kind
		number.PutUint16(h[2:], headers)
		number.PutUint16(h[4:], o.SegmentSize)
	}
	return h
}

// segmentation returns how the frame is to be cut, and the length of the headers that each segment repeats. Where the checksum
// stands tells TCP from UDP.
func segmentation(frame []byte, o datapath.Offload) (kind uint8, headers uint16) {
	const tcpChecksum, tcpDataOffset, udpLen = 16, 12, 8
	if o.ChecksumOffset != tcpChecksum {
		return vnetUDP, o.ChecksumStart + udpLen
	}
	if at := int(o.ChecksumStart) + tcpDataOffset; at < len(frame) {
		headers = o.ChecksumStart + uint16(frame[at]>>4)*4
	}
	if isIPv6(frame) {
		return vnetTCPv6, headers
	}
	return vnetTCPv4, headers
}

// isIPv6 looks behind one tag at most, as the parser does.
func isIPv6(frame []byte) bool {
	const etherType, tagLen, dot1Q, dot1AD = 12, 4, 0x8100, 0x88a8
	if len(frame) < etherType+tagLen+2 {
		return false
	}
	t := binary.BigEndian.Uint16(frame[etherType:])
	if t == dot1Q || t == dot1AD {
		t = binary.BigEndian.Uint16(frame[etherType+tagLen:])
	}
	return t == etherTypeIPv6
}
