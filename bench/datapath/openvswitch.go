package main

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"time"
)

// openVSwitch is Open vSwitch's userspace datapath in a namespace between the workloads, with a router's work written as flows. It reads
// the interfaces through packet sockets, which take nothing that is left for hardware: the workloads' offloads are off.
func (l *lab) openVSwitch(name string, s service) (*path, error) {
	p, err := l.routed(name, s)
	if err != nil {
		return nil, err
	}
	hosts, err := l.oneHost(p)
	if err != nil {
		return nil, err
	}
	dir, err := os.MkdirTemp(l.dir, "ovs-")
	if err != nil {
		return nil, err
	}
	v := &vswitch{dir: dir, host: hosts[0]}
	p.stop = v.stop
	if err := errors.Join(noOffloads(p.nsA), noOffloads(p.nsB)); err != nil {
		return nil, err
	}
	if err := v.start(); err != nil {
		v.stop()
		return nil, err
	}
	p.helpers = []int{v.switching.Process.Pid}
	if err := v.program(p, s); err != nil {
		v.stop()
		return nil, err
	}
	return p.finish()
}

// vswitch is a database server and a switch of its own.
type vswitch struct {
	dir                 string
	host                *namespace
	database, switching *exec.Cmd
}

func (v *vswitch) start() error {
	const schema = "/usr/share/openvswitch/vswitch.ovsschema"
	if err := v.run("ovsdb-tool", "create", v.file("conf.db"), schema); err != nil {
		return err
	}
	var err error
	if v.database, err = v.spawn("ovsdb-server", "--remote=p"+v.socket(), v.file("conf.db")); err != nil {
		return err
	}
	if err := v.await(); err != nil {
		return err
	}
	return v.host.do(func() (err error) {
		v.switching, err = v.spawn("ovs-vswitchd", v.socket())
		return err
	})
}

func (v *vswitch) program(p *path, s service) error {
	err := v.run("ovs-vsctl", "--timeout=20", "--db="+v.socket(),
		"add-br", "br0", "--", "set", "bridge", "br0", "datapath_type=netdev", "fail_mode=secure", "--",
		"add-port", "br0", "port-a", "--", "set", "interface", "port-a", "ofport_request=1", "--",
		"add-port", "br0", "port-b", "--", "set", "interface", "port-b", "ofport_request=2")
	if err != nil {
		return err
	}
	flows := []string{"table=0,ip,actions=ct(nat,table=1)"}
	if s.ruleset == "" {
		flows = []string{"table=0,ip,actions=resubmit(,1)"}
	}
	for _, f := range s.openflow {
		flows = append(flows, "table=1,ip,"+f)
	}
	flows = append(flows,
		fmt.Sprintf("table=2,ip,in_port=1,actions=dec_ttl,mod_dl_src:%s,mod_dl_dst:%s,output:2", p.hopB, workloadB),
		fmt.Sprintf("table=2,ip,in_port=2,actions=dec_ttl,mod_dl_src:%s,mod_dl_dst:%s,output:1", p.hopA, workloadA))
	file := v.file("flows")
	if err := os.WriteFile(file, []byte(strings.Join(flows, "\n")+"\n"), 0o600); err != nil {
		return err
	}
	return v.run("ovs-ofctl", "add-flows", "unix:"+v.file("br0.mgmt"), file)
}

// await waits until the database answers.
func (v *vswitch) await() error {
	for deadline := time.Now().Add(10 * time.Second); ; time.Sleep(20 * time.Millisecond) {
		err := v.run("ovs-vsctl", "--timeout=5", "--no-wait", "--db="+v.socket(), "init")
		if err == nil || time.Now().After(deadline) {
			return err
		}
	}
}

func (v *vswitch) file(name string) string { return filepath.Join(v.dir, name) }

func (v *vswitch) socket() string { return "unix:" + v.file("db.sock") }

func (v *vswitch) command(name string, args ...string) *exec.Cmd {
	c := exec.Command(name, args...)
	c.Env = append(os.Environ(), "OVS_RUNDIR="+v.dir, "OVS_DBDIR="+v.dir, "OVS_LOGDIR="+v.dir, "OVS_SYSCONFDIR="+v.dir)
	return c
}

func (v *vswitch) run(name string, args ...string) error {
	if out, err := v.command(name, args...).CombinedOutput(); err != nil {
		return fmt.Errorf("%s: %w: %s", name, err, bytes.TrimSpace(out))
	}
	return nil
}

func (v *vswitch) spawn(name string, args ...string) (*exec.Cmd, error) {
	c := v.command(name, append(args, "--log-file="+v.file(name+".log"), "-vconsole:off", "--unixctl="+v.file(name+".ctl"))...)
	return c, c.Start()
}

func (v *vswitch) stop() {
	for _, c := range []*exec.Cmd{v.switching, v.database} {
		if c != nil && c.Process != nil {
			c.Process.Signal(syscall.SIGTERM) // it may have ended by itself
			c.Wait()
		}
	}
}

func noOffloads(ns *namespace) error {
	return ns.do(func() error {
		out, err := exec.Command("ethtool", "-K", "eth0", "tx", "off", "tso", "off", "gso", "off", "gro", "off").CombinedOutput()
		if err != nil {
			return fmt.Errorf("ethtool: %w: %s", err, bytes.TrimSpace(out))
		}
		return nil
	})
}
