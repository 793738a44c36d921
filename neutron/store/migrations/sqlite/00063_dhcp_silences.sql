-- Which hosts do not answer the DHCP requests of a network (extension dhcp_agent_scheduler): all others do.

-- +goose Up
CREATE TABLE dhcpsilences (
    network_id TEXT NOT NULL REFERENCES networks (id) ON DELETE CASCADE,
    host_id    TEXT NOT NULL,
    PRIMARY KEY (network_id, host_id)
) STRICT, WITHOUT ROWID;
