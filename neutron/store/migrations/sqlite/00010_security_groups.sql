-- What may pass a port: port security, allowed address pairs, security groups and their rules, address groups
-- (neutron/db/models/securitygroup.py, allowed_address_pair.py and address_group.py in the original).

-- +goose Up
ALTER TABLE networks ADD COLUMN port_security_enabled INTEGER NOT NULL DEFAULT 1;
ALTER TABLE ports ADD COLUMN port_security_enabled INTEGER NOT NULL DEFAULT 1;

-- ip_address is as the client wrote it: an address, or a range.
CREATE TABLE allowedaddresspairs (
    port_id     TEXT    NOT NULL REFERENCES ports (id) ON DELETE CASCADE,
    position    INTEGER NOT NULL,
    mac_address TEXT    NOT NULL,
    ip_address  TEXT    NOT NULL,
    PRIMARY KEY (port_id, position)
) STRICT, WITHOUT ROWID;

CREATE TABLE securitygroups (
    id              TEXT    NOT NULL PRIMARY KEY,
    project_id      TEXT    NOT NULL,
    description     TEXT    NOT NULL,
    created_at      TEXT    NOT NULL,
    updated_at      TEXT    NOT NULL,
    revision_number INTEGER NOT NULL,
    name            TEXT    NOT NULL,
    stateful        INTEGER NOT NULL
) STRICT;
CREATE INDEX securitygroups_project ON securitygroups (project_id);

-- Which group the ports of a project join that name none. The key makes it one for each project.
CREATE TABLE default_security_group (
    project_id        TEXT NOT NULL PRIMARY KEY,
    security_group_id TEXT NOT NULL REFERENCES securitygroups (id) ON DELETE CASCADE
) STRICT, WITHOUT ROWID;
CREATE INDEX default_security_group_group ON default_security_group (security_group_id);

CREATE TABLE securitygroupportbindings (
    port_id           TEXT NOT NULL REFERENCES ports (id) ON DELETE CASCADE,
    security_group_id TEXT NOT NULL REFERENCES securitygroups (id),
    PRIMARY KEY (port_id, security_group_id)
) STRICT, WITHOUT ROWID;
CREATE INDEX securitygroupportbindings_group ON securitygroupportbindings (security_group_id);

CREATE TABLE address_groups (
    id              TEXT    NOT NULL PRIMARY KEY,
    project_id      TEXT    NOT NULL,
    description     TEXT    NOT NULL,
    created_at      TEXT    NOT NULL,
    updated_at      TEXT    NOT NULL,
    revision_number INTEGER NOT NULL,
    name            TEXT    NOT NULL
) STRICT;
CREATE INDEX address_groups_project ON address_groups (project_id);

CREATE TABLE address_associations (
    address_group_id TEXT NOT NULL REFERENCES address_groups (id) ON DELETE CASCADE,
    address          TEXT NOT NULL, -- a range
    PRIMARY KEY (address_group_id, address)
) STRICT, WITHOUT ROWID;

CREATE TABLE securitygrouprules (
    id                      TEXT    NOT NULL PRIMARY KEY,
    project_id              TEXT    NOT NULL,
    description             TEXT    NOT NULL,
    created_at              TEXT    NOT NULL,
    updated_at              TEXT    NOT NULL,
    revision_number         INTEGER NOT NULL,
    security_group_id       TEXT    NOT NULL REFERENCES securitygroups (id) ON DELETE CASCADE,
    direction               TEXT    NOT NULL,
    ethertype               TEXT    NOT NULL,
    protocol                TEXT,
    port_range_min          INTEGER,
    port_range_max          INTEGER,
    remote_ip_prefix        TEXT, -- as the client wrote it
    normalized_cidr         TEXT, -- the range that it is of
    remote_group_id         TEXT REFERENCES securitygroups (id) ON DELETE CASCADE,
    remote_address_group_id TEXT REFERENCES address_groups (id)
) STRICT;
CREATE INDEX securitygrouprules_project ON securitygrouprules (project_id);
CREATE INDEX securitygrouprules_group ON securitygrouprules (security_group_id);
CREATE INDEX securitygrouprules_remote_group ON securitygrouprules (remote_group_id);
CREATE INDEX securitygrouprules_remote_address_group ON securitygrouprules (remote_address_group_id);
