-- Which hosts do not answer the DHCP requests of a network: the same table and columns as in ../sqlite.

-- +goose NO TRANSACTION
-- +goose Up
CREATE TABLE IF NOT EXISTS dhcpsilences (
    network_id VARCHAR(36) NOT NULL,
    host_id    VARCHAR(36) NOT NULL,
    PRIMARY KEY (network_id, host_id),
    CONSTRAINT dhcpsilences_network FOREIGN KEY (network_id) REFERENCES networks (id) ON DELETE CASCADE
) ENGINE = InnoDB ROW_FORMAT = DYNAMIC DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;
