// Package sandbox builds a small cloud on one machine: hosts and workloads that are network namespaces, an underlay network that
// joins the hosts, and on every host the real agent, a process of its own.
//
//	root namespace          midonet server: Neutron API on TCP, the agents' stream and the admin API on Unix sockets
//	…-underlay              a Linux bridge; one veth to each host
//	…-host1, …-host2        underlay0 (the veth's other end), midonet agent, the tap of each workload
//	…-vm-<name>             eth0 of the workload, whose other end is the tap in its host
//
// The package does what a person with a shell would do, by the same doors: ports are made through the Networking API, interfaces
// are bound with mm-ctl, addresses come by DHCP. It knows nothing of the network that it drives, so that what works here works for
// an operator too.
//
// Nothing is made in the root namespace besides the entries of /run/netns. The server is reached from inside the namespaces
// through Unix sockets, since a socket with a path belongs to the file system and not to a network namespace.
//
// Everything that is made is written to <state-dir>/sandbox/state.json first. So Down removes exactly what was made, also after
// the program that made it was killed between any two steps, and Up goes on from where an earlier one stopped.
package sandbox
