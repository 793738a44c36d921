-- Bindings of ports to hosts that they are not on: the same table and columns as in ../sqlite.

-- +goose NO TRANSACTION
-- +goose Up
CREATE TABLE IF NOT EXISTS portbindings (
    port_id   VARCHAR(36)   NOT NULL,
    host      VARCHAR(255)  NOT NULL,
    profile   MEDIUMTEXT    NOT NULL, -- a JSON object
    vif_type  VARCHAR(64)   NOT NULL,
    vnic_type VARCHAR(64)   NOT NULL,
    PRIMARY KEY (port_id, host),
    CONSTRAINT portbindings_port FOREIGN KEY (port_id) REFERENCES ports (id) ON DELETE CASCADE
) ENGINE = InnoDB ROW_FORMAT = DYNAMIC DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;
