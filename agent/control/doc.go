// Package control is the agent's door on its own host: HTTP over a Unix socket, for mm-ctl and for who looks after the machine.
//
//	PUT    /binding/<port>   {"interfaceName": "tap0"}   bind; answers the body
//	DELETE /binding/<port>                               unbind; 204
//	GET    /hosts                                        every host of the cloud
//	GET    /status                                       how the agent is doing
//	GET    /capture/<port>?count=N                       the port's packets as pcap, until N or the client goes away
//
// The first two are MidoNet's own (midolman/src/main/scala/org/midonet/services/rest_api/BindingHandler.scala), so its mm-ctl
// works here unchanged, at the socket that it knows. The socket belongs to root, as the host's interfaces do. A failure answers
// {"type", "message"} with the status of its kind.
//
// The package also has the other side: Client, and Command, which is mm-ctl.
package control
