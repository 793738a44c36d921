package topologypb

// How much one host may report. The server refuses a report with more, and a host whose reports are refused counts as dead, so an
// agent leaves out what is over.
const (
	MaxReportedInterfaces = 2048
	MaxReportedAddrs      = 16 // of one interface; some have thousands, for load balancing
	MaxReportedPorts      = 4096
	MaxReportedStations   = 8192
	MaxReportedNeighbours = 4096
	MaxReportedBlocks     = 4096
)

// MaxWantedRouters is how many routers a host may want beside those that its ports lead to.
const MaxWantedRouters = 4096
