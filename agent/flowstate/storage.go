package flowstate

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"os"
	"syscall"
)

// The file: a header and slots of slotLen octets, each a packed state and its checksum. A slot whose first octet, the kind, is 0 is
// empty, whatever else is in it.
const (
	headerLen = 64
	slotLen   = len(packed{}) + 4
	// magic has the version of the layout.
	magic = "midonet connections 1\n"
)

// header returns what the file begins with: magic and the machine's present run, as the kernel names it. A file with another header
// is started anew. Where there is no such kernel, all runs have one name.
func header() []byte {
	boot, err := os.ReadFile("/proc/sys/kernel/random/boot_id")
	if err != nil {
		boot = nil
	}
	b := make([]byte, headerLen)
	copy(b[copy(b, magic):], boot)
	return b
}

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// storage is the slots, in a file or in memory.
type storage struct {
	octets []byte // of the slots
	mapped []byte // nil: not in a file
	sum    packed // what a checksum is taken of: package crc32 has its arguments allocated
}

// openStorage takes over the file at path where its layout and size are right, and makes it anew where not.
func openStorage(path string, size int) (storage, error) {
	if path == "" {
		return storage{octets: make([]byte, size*slotLen)}, nil
	}
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return storage{}, fmt.Errorf("the memory of connections: %w", err)
	}
	defer f.Close() // the mapping stays
	mapped, err := mapFile(f, size)
	if err != nil {
		return storage{}, fmt.Errorf("the memory of connections, %s: %w", path, err)
	}
	return storage{octets: mapped[headerLen:], mapped: mapped}, nil
}

func mapFile(f *os.File, size int) ([]byte, error) {
	length := headerLen + size*slotLen
	if !hasHeader(f, length) {
		if err := clean(f, length); err != nil {
			return nil, err
		}
		if _, err := f.WriteAt(header(), 0); err != nil {
			return nil, err
		}
	}
	return syscall.Mmap(int(f.Fd()), 0, length, syscall.PROT_READ|syscall.PROT_WRITE, syscall.MAP_SHARED)
}

// clean makes the file one of zeros that has its room on the device: a mapped file that has not would end the process when it is
// written to.
func clean(f *os.File, length int) error {
	if err := f.Truncate(0); err != nil {
		return err
	}
	err := syscall.Fallocate(int(f.Fd()), 0, 0, int64(length))
	if errors.Is(err, syscall.EOPNOTSUPP) {
		return f.Truncate(int64(length))
	}
	return err
}

// hasHeader reports whether the file is of this layout and length.
func hasHeader(f *os.File, length int) bool {
	info, err := f.Stat()
	if err != nil || info.Size() != int64(length) {
		return false
	}
	b := make([]byte, headerLen)
	_, err = f.ReadAt(b, 0)
	return err == nil && bytes.Equal(b, header())
}

func (s *storage) close() error {
	if s.mapped == nil {
		return nil
	}
	mapped := s.mapped
	s.octets, s.mapped = nil, nil
	return syscall.Munmap(mapped)
}

func (s *storage) slot(i int) []byte { return s.octets[i*slotLen : (i+1)*slotLen] }

// last returns the number of slots up to the last that was ever used. Memory that is not of a file has none yet, and is not looked at: every
// page of it would be there twice, once to be read and once to be written.
func (s *storage) last() int {
	if s.mapped == nil {
		return 0
	}
	for n := len(s.octets) / slotLen; n > 0; n-- {
		if s.slot(n - 1)[0] != 0 {
			return n
		}
	}
	return 0
}

// get returns what is in the slot; false where it is empty.
func (s *storage) get(i int) (p packed, ok bool) {
	copy(p[:], s.slot(i))
	return p, p[0] != 0
}

// has reports whether the slot, which is not empty, has the state with the key.
func (s *storage) has(i int, k *packedKey) bool { return packedKey(s.slot(i)) == *k }

// whole reports whether the slot is not empty and was written to its end.
func (s *storage) whole(i int) bool {
	b := s.slot(i)
	n := len(b) - 4
	return b[0] != 0 && binary.LittleEndian.Uint32(b[n:]) == crc32.Checksum(b[:n], castagnoli)
}

// set writes the kind last, and makes it 0 before: a process that is killed in between leaves an empty slot, or one whose checksum
// is wrong.
func (s *storage) set(i int, p *packed) {
	b := s.slot(i)
	b[0] = 0
	copy(b[1:], p[1:])
	s.sum = *p
	binary.LittleEndian.PutUint32(b[len(p):], crc32.Checksum(s.sum[:], castagnoli))
	b[0] = p[0]
}

func (s *storage) clear(i int) { s.slot(i)[0] = 0 }
