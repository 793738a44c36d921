package ebpf

// The object is committed, so that building the agent needs no clang. It is little-endian code for any such processor; the
// include path is where Debian keeps the kernel's asm headers.
//go:generate go tool bpf2go -cc clang -target bpfel -cflags "-O2 -g -Wall -Werror -mcpu=v3 -I/usr/include/x86_64-linux-gnu" -type flow_key -type flow -type actions -type output -type port -type delivery -type seed -type answer_key -type answer_seed -type awaited -type config bpf bpf/datapath.c
