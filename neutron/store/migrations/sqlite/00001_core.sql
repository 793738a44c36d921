-- Networks, subnets and ports (neutron/db/models_v2.py and the extensions' models in the original), and the journal.
--
-- Times are texts in the API's form, which also sorts by time. Identifiers are UUIDs in canonical lower case, unless a client
-- chooses them freely. Booleans are 0 and 1. position keeps the order that a client gave.

-- +goose Up
CREATE TABLE networks (
    id                    TEXT    NOT NULL PRIMARY KEY,
    project_id            TEXT    NOT NULL,
    description           TEXT    NOT NULL,
    created_at            TEXT    NOT NULL,
    updated_at            TEXT    NOT NULL,
    revision_number       INTEGER NOT NULL,
    name                  TEXT    NOT NULL,
    admin_state_up        INTEGER NOT NULL,
    status                TEXT    NOT NULL,
    shared                INTEGER NOT NULL,
    external              INTEGER NOT NULL,
    mtu                   INTEGER NOT NULL
) STRICT;
CREATE INDEX networks_project ON networks (project_id);

-- What a network is made of below (extension provider). One row each until multi-provider networks exist.
CREATE TABLE networksegments (
    network_id       TEXT    NOT NULL REFERENCES networks (id) ON DELETE CASCADE,
    segment_index    INTEGER NOT NULL,
    network_type     TEXT    NOT NULL,
    physical_network TEXT,
    segmentation_id  INTEGER,
    PRIMARY KEY (network_id, segment_index)
) STRICT, WITHOUT ROWID;

CREATE TABLE subnets (
    id                TEXT    NOT NULL PRIMARY KEY,
    project_id        TEXT    NOT NULL,
    description       TEXT    NOT NULL,
    created_at        TEXT    NOT NULL,
    updated_at        TEXT    NOT NULL,
    revision_number   INTEGER NOT NULL,
    name              TEXT    NOT NULL,
    network_id        TEXT    NOT NULL REFERENCES networks (id),
    ip_version        INTEGER NOT NULL,
    cidr              TEXT    NOT NULL,
    gateway_ip        TEXT,
    enable_dhcp       INTEGER NOT NULL,
    ipv6_ra_mode      TEXT,
    ipv6_address_mode TEXT,
    subnetpool_id     TEXT
) STRICT;
CREATE INDEX subnets_network ON subnets (network_id);
CREATE INDEX subnets_project ON subnets (project_id);

CREATE TABLE ipallocationpools (
    subnet_id TEXT    NOT NULL REFERENCES subnets (id) ON DELETE CASCADE,
    position  INTEGER NOT NULL,
    first_ip  TEXT    NOT NULL,
    last_ip   TEXT    NOT NULL,
    PRIMARY KEY (subnet_id, position)
) STRICT, WITHOUT ROWID;

CREATE TABLE dnsnameservers (
    subnet_id TEXT    NOT NULL REFERENCES subnets (id) ON DELETE CASCADE,
    position  INTEGER NOT NULL,
    address   TEXT    NOT NULL,
    PRIMARY KEY (subnet_id, position)
) STRICT, WITHOUT ROWID;

CREATE TABLE subnetroutes (
    subnet_id   TEXT    NOT NULL REFERENCES subnets (id) ON DELETE CASCADE,
    position    INTEGER NOT NULL,
    destination TEXT    NOT NULL,
    nexthop     TEXT    NOT NULL,
    PRIMARY KEY (subnet_id, position)
) STRICT, WITHOUT ROWID;

CREATE TABLE ports (
    id                    TEXT    NOT NULL PRIMARY KEY,
    project_id            TEXT    NOT NULL,
    description           TEXT    NOT NULL,
    created_at            TEXT    NOT NULL,
    updated_at            TEXT    NOT NULL,
    revision_number       INTEGER NOT NULL,
    name                  TEXT    NOT NULL,
    network_id            TEXT    NOT NULL REFERENCES networks (id),
    mac_address           TEXT    NOT NULL,
    admin_state_up        INTEGER NOT NULL,
    status                TEXT    NOT NULL,
    device_id             TEXT    NOT NULL,
    device_owner          TEXT    NOT NULL,
    host_id               TEXT    NOT NULL,
    profile               TEXT    NOT NULL, -- a JSON object
    vif_type              TEXT    NOT NULL,
    vnic_type             TEXT    NOT NULL,
    UNIQUE (network_id, mac_address)
) STRICT;
CREATE INDEX ports_project ON ports (project_id);
CREATE INDEX ports_device ON ports (device_id);

-- The address is its 4 or 16 octets, so that the rows of a subnet lie in the order of the addresses and a free one is found by
-- walking from any place to the next gap.
CREATE TABLE ipallocations (
    subnet_id  TEXT    NOT NULL REFERENCES subnets (id),
    ip_address BLOB    NOT NULL,
    port_id    TEXT    NOT NULL REFERENCES ports (id) ON DELETE CASCADE,
    position   INTEGER NOT NULL,
    PRIMARY KEY (subnet_id, ip_address)
) STRICT, WITHOUT ROWID;
CREATE INDEX ipallocations_port ON ipallocations (port_id);

CREATE TABLE extradhcpopts (
    port_id    TEXT    NOT NULL REFERENCES ports (id) ON DELETE CASCADE,
    opt_name   TEXT    NOT NULL,
    ip_version INTEGER NOT NULL,
    opt_value  TEXT    NOT NULL,
    PRIMARY KEY (port_id, opt_name, ip_version)
) STRICT, WITHOUT ROWID;

-- The journal (networking-midonet's table of the same name). AUTOINCREMENT: a number is not used again when its task is done.
CREATE TABLE midonet_tasks (
    id             INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT,
    type           TEXT    NOT NULL,
    data_type      TEXT    NOT NULL,
    data           TEXT    NOT NULL,
    resource_id    TEXT    NOT NULL,
    project_id     TEXT    NOT NULL,
    transaction_id TEXT    NOT NULL,
    created_at     TEXT    NOT NULL
) STRICT;

-- Which journal this is, among all: one row, made with the database.
CREATE TABLE midonet_journal (
    identity TEXT NOT NULL PRIMARY KEY
) STRICT;
INSERT INTO midonet_journal (identity) VALUES (lower(hex(randomblob(16))));
