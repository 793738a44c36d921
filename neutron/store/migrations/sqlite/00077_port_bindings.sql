-- Bindings of ports to hosts that they are not on (extension binding-extended); the one that holds is in the port's row.

-- +goose Up
CREATE TABLE portbindings (
    port_id   TEXT NOT NULL REFERENCES ports (id) ON DELETE CASCADE,
    host      TEXT NOT NULL,
    profile   TEXT NOT NULL,
    vif_type  TEXT NOT NULL,
    vnic_type TEXT NOT NULL,
    PRIMARY KEY (port_id, host)
) STRICT, WITHOUT ROWID;
