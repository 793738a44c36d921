// Package session is the agent's end of the stream between a host and the cluster (topologypb.Stream).
//
// A Session gives the host its identity (a UUID that stays, and a certificate obtained with a join token), keeps what the cluster
// says of the virtual topology, and tells the cluster what the host knows of itself. It reconnects for ever. What it last knew is
// on disk, so that an agent that starts while the cluster is away goes on forwarding; whoever uses the Session sees one sequence
// of deltas, whatever happened to the connection.
//
// Files in the state directory: midonet_host_id.properties (the UUID, in MidoNet's format), identity.json (key, certificates and
// addresses, mode 0600) and topology.pb (what was last known; a cache).
package session
