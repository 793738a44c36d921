package run

import (
	"context"
	"net"

	"midonet.org/midonet/agent/hostif/stub"
	"midonet.org/midonet/agent/service/metadata"
	"midonet.org/midonet/agent/view"
	"midonet.org/midonet/errs"
	"midonet.org/midonet/topology"
)

// metadataInterface is the host's end of the cable to the metadata service.
const metadataInterface = "mn-metadata"

// metadataService is where workloads are told who they are; the zero value is of an agent that leaves that to others.
type metadataService struct {
	answerer metadata.Answerer
	network  *stub.Network
	listener net.Listener
	service  *metadata.Service
}

// device is the interface that leads there, empty where there is no service.
func (m *metadataService) device() string {
	if m.network == nil {
		return ""
	}
	return metadataInterface
}

// status returns nil where there is no service.
func (m *metadataService) status() *metadata.Status {
	if m.service == nil {
		return nil
	}
	s := m.service.Status()
	return &s
}

func (m *metadataService) close() {
	if m.listener != nil {
		m.listener.Close() // again, where the service has closed it
	}
	if m.network != nil {
		m.network.Close()
	}
}

// metadataAnswerer returns what the configuration asks for, nil for nothing.
func metadataAnswerer(c AgentConfig) (metadata.Answerer, error) {
	switch {
	case c.BuiltIn && len(c.ConfigFiles) > 0:
		return nil, errs.New(errs.Invalid, "BadConfiguration", "the metadata service is either the built-in one or Nova's, which a configuration file asks for")
	case c.BuiltIn:
		return metadata.BuiltIn{}, nil
	case len(c.ConfigFiles) == 0:
		return nil, nil
	}
	options, warnings, err := metadata.Load(c.ConfigFiles...)
	if err != nil {
		return nil, err
	}
	for _, w := range warnings {
		c.Log.Warn("configuration", "warning", w)
	}
	return metadata.NewNova(options, c.Log)
}

// openMetadata makes the service's network, before the host's interfaces are read, so that the service's is among them.
func (a *agent) openMetadata() error {
	if a.metadata.answerer == nil {
		return nil
	}
	network, err := stub.Open(stub.Config{Interface: metadataInterface, MAC: view.MetadataMAC, Prefixes: view.MetadataPrefixes()})
	if err != nil {
		return err
	}
	a.metadata.network = network
	a.metadata.listener, err = network.Listen(topology.MetadataTCPPort)
	return err
}

// serveMetadata answers workloads until ctx ends.
func (a *agent) serveMetadata(ctx context.Context) error {
	if a.metadata.service == nil {
		<-ctx.Done()
		return ctx.Err()
	}
	return a.metadata.service.Serve(ctx, a.metadata.listener)
}
