// Package stream is where agents meet the cluster: a gRPC service (topologypb.Stream) over mutual TLS 1.3.
//
// Downwards, Watch sends each host what its ports need and nothing else: a snapshot, then deltas. The core of it (interest) is
// pure and computes a step for the hosts that it concerns alone. A host that does not keep up is cut off and starts again from
// a snapshot, so that no host can make the server's memory grow.
//
// Upwards, Report states what a host knows of itself. What is said of the host for good (its name and endpoints) is stored
// for good; what is true only while the agent lives hangs on a lease of the store, which each report renews. Only differences are
// written, so a host at rest costs no write. After a restart of the server the store's leases are still there and hosts report
// again before those run out, so nothing flaps.
//
// A host is who its certificate says (package pki); it can bind ports to its own interfaces and speak of ports bound to itself.
package stream
