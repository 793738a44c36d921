-- The stamps by which a server knows again what it has read before (stamp.go): at random, in 60 bits.

-- +goose Up
ALTER TABLE networks ADD COLUMN stamp INTEGER NOT NULL DEFAULT 0;
UPDATE networks SET stamp = random() & 1152921504606846975;
ALTER TABLE subnets ADD COLUMN stamp INTEGER NOT NULL DEFAULT 0;
UPDATE subnets SET stamp = random() & 1152921504606846975;
ALTER TABLE ports ADD COLUMN stamp INTEGER NOT NULL DEFAULT 0;
UPDATE ports SET stamp = random() & 1152921504606846975;
ALTER TABLE subnetpools ADD COLUMN stamp INTEGER NOT NULL DEFAULT 0;
UPDATE subnetpools SET stamp = random() & 1152921504606846975;
ALTER TABLE routers ADD COLUMN stamp INTEGER NOT NULL DEFAULT 0;
UPDATE routers SET stamp = random() & 1152921504606846975;
ALTER TABLE floatingips ADD COLUMN stamp INTEGER NOT NULL DEFAULT 0;
UPDATE floatingips SET stamp = random() & 1152921504606846975;
ALTER TABLE portforwardings ADD COLUMN stamp INTEGER NOT NULL DEFAULT 0;
UPDATE portforwardings SET stamp = random() & 1152921504606846975;
ALTER TABLE securitygroups ADD COLUMN stamp INTEGER NOT NULL DEFAULT 0;
UPDATE securitygroups SET stamp = random() & 1152921504606846975;
ALTER TABLE securitygrouprules ADD COLUMN stamp INTEGER NOT NULL DEFAULT 0;
UPDATE securitygrouprules SET stamp = random() & 1152921504606846975;
ALTER TABLE address_groups ADD COLUMN stamp INTEGER NOT NULL DEFAULT 0;
UPDATE address_groups SET stamp = random() & 1152921504606846975;

-- That of the availability zones that hosts are in: one row.
CREATE TABLE midonet_zones (
    id    INTEGER NOT NULL PRIMARY KEY,
    stamp INTEGER NOT NULL
) STRICT;
INSERT INTO midonet_zones (id, stamp) VALUES (1, random() & 1152921504606846975);
