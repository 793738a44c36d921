-- Flavors and service profiles (neutron/db/models/flavor.py in the original).

-- +goose Up
CREATE TABLE flavors (
    id           TEXT    NOT NULL PRIMARY KEY,
    name         TEXT    NOT NULL,
    description  TEXT,
    service_type TEXT    NOT NULL,
    enabled      INTEGER NOT NULL
) STRICT;

CREATE TABLE serviceprofiles (
    id          TEXT    NOT NULL PRIMARY KEY,
    description TEXT,
    driver      TEXT    NOT NULL,
    metainfo    TEXT,
    enabled     INTEGER NOT NULL
) STRICT;

CREATE TABLE flavorserviceprofilebindings (
    flavor_id          TEXT NOT NULL REFERENCES flavors (id) ON DELETE CASCADE,
    service_profile_id TEXT NOT NULL REFERENCES serviceprofiles (id),
    PRIMARY KEY (flavor_id, service_profile_id)
) STRICT, WITHOUT ROWID;
CREATE INDEX flavorserviceprofilebindings_profile ON flavorserviceprofilebindings (service_profile_id);
