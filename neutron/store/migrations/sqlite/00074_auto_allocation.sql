-- The default external network, and the topologies that are allocated by themselves (neutron/services/auto_allocate/models.py in the original).
--
-- default_external is 1 for the one network that is the default, NULL for all others.

-- +goose Up
ALTER TABLE networks ADD COLUMN default_external INTEGER;
CREATE UNIQUE INDEX networks_default_external ON networks (default_external);

CREATE TABLE auto_allocated_topologies (
    project_id TEXT NOT NULL PRIMARY KEY,
    network_id TEXT NOT NULL REFERENCES networks (id) ON DELETE CASCADE,
    router_id  TEXT REFERENCES routers (id) ON DELETE SET NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX auto_allocated_topologies_network ON auto_allocated_topologies (network_id);
CREATE INDEX auto_allocated_topologies_router ON auto_allocated_topologies (router_id);
