-- The few ports of a network that routers have are found among the many that workloads have.

-- +goose Up
CREATE INDEX ports_network_owner ON ports (network_id, device_owner);
