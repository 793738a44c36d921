"""Stands for QEMU: guest.py TAP MAC NAMESPACE passes packets between a tap of the host and eth0 of a guest, which is a network namespace, until it
is killed. The namespace has no name; the file NAMESPACE says which process is in it when the guest has its interface."""

import ctypes
import fcntl
import os
import select
import signal
import struct
import subprocess
import sys

# linux/if_tun.h, linux/sched.h, linux/prctl.h
TUNSETIFF, IFF_TAP, IFF_NO_PI, CLONE_NEWNET, PR_SET_PDEATHSIG = 0x400454ca, 0x0002, 0x1000, 0x40000000, 1


def tap(name):
    device = os.open('/dev/net/tun', os.O_RDWR)
    fcntl.ioctl(device, TUNSETIFF, struct.pack('16sH22x', name.encode(), IFF_TAP | IFF_NO_PI))
    return device


name, mac, file = sys.argv[1:]
libc = ctypes.CDLL(None, use_errno=True)
libc.prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
outer = tap(name)
if libc.unshare(CLONE_NEWNET) != 0:
    sys.exit(os.strerror(ctypes.get_errno()))
inner = tap('eth0')
subprocess.check_call(['ip', 'link', 'set', 'lo', 'up'])
subprocess.check_call(['ip', 'link', 'set', 'eth0', 'address', mac, 'mtu', '1450', 'up'])
with open(file + '.new', 'w') as f:
    f.write(str(os.getpid()))
os.rename(file + '.new', file)
other = {outer: inner, inner: outer}
while True:
    for ready in select.select([outer, inner], [], [])[0]:
        try:
            os.write(other[ready], os.read(ready, 65536))
        except OSError:
            pass  # an interface that is down, or going
