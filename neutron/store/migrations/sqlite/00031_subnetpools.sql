-- Subnet pools and address scopes (neutron/db/models_v2.py and db/models/address_scope.py in the original), and which device owners a subnet
-- is for (db/models/subnet_service_type.py).
--
-- default_for is the IP version that a pool is the default of; NULL for other pools.

-- +goose Up
CREATE TABLE addressscopes (
    id         TEXT    NOT NULL PRIMARY KEY,
    project_id TEXT    NOT NULL,
    name       TEXT    NOT NULL,
    ip_version INTEGER NOT NULL
) STRICT;
CREATE INDEX addressscopes_project ON addressscopes (project_id);

CREATE TABLE subnetpools (
    id                TEXT    NOT NULL PRIMARY KEY,
    project_id        TEXT    NOT NULL,
    description       TEXT    NOT NULL,
    created_at        TEXT    NOT NULL,
    updated_at        TEXT    NOT NULL,
    revision_number   INTEGER NOT NULL,
    name              TEXT    NOT NULL,
    ip_version        INTEGER NOT NULL,
    default_prefixlen INTEGER NOT NULL,
    min_prefixlen     INTEGER NOT NULL,
    max_prefixlen     INTEGER NOT NULL,
    default_quota     INTEGER,
    default_for       INTEGER,
    address_scope_id  TEXT    REFERENCES addressscopes (id)
) STRICT;
CREATE INDEX subnetpools_project ON subnetpools (project_id);
CREATE INDEX subnetpools_address_scope ON subnetpools (address_scope_id);
CREATE UNIQUE INDEX subnetpools_default_for ON subnetpools (default_for);

CREATE TABLE subnetpoolprefixes (
    subnetpool_id TEXT    NOT NULL REFERENCES subnetpools (id) ON DELETE CASCADE,
    position      INTEGER NOT NULL,
    cidr          TEXT    NOT NULL,
    PRIMARY KEY (subnetpool_id, position)
) STRICT, WITHOUT ROWID;

CREATE TABLE subnetservicetypes (
    subnet_id    TEXT    NOT NULL REFERENCES subnets (id) ON DELETE CASCADE,
    position     INTEGER NOT NULL,
    service_type TEXT    NOT NULL,
    PRIMARY KEY (subnet_id, position)
) STRICT, WITHOUT ROWID;

CREATE INDEX subnets_subnetpool ON subnets (subnetpool_id);
