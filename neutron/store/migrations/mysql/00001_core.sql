-- Networks, subnets and ports, and the journal: the same tables and columns as in ../sqlite.
--
-- Text is compared octet by octet (utf8mb4_bin), as SQLite does it: with the server's default, "Web" and "web" would be one name, and one
-- project. Times are texts in the API's form, which also sorts by time. position keeps the order that a client gave. The names of the
-- unique keys are what uniqueConstraint in mysqlerrors.go looks for.
--
-- MySQL commits each of these statements by itself. IF NOT EXISTS lets a migration that was killed half way be run again.

-- +goose NO TRANSACTION
-- +goose Up
CREATE TABLE IF NOT EXISTS networks (
    id              VARCHAR(36)  NOT NULL PRIMARY KEY,
    project_id      VARCHAR(255) NOT NULL,
    description     VARCHAR(255) NOT NULL,
    created_at      CHAR(20)     NOT NULL,
    updated_at      CHAR(20)     NOT NULL,
    revision_number BIGINT       NOT NULL,
    name            VARCHAR(255) NOT NULL,
    admin_state_up  BOOLEAN      NOT NULL,
    status          VARCHAR(16)  NOT NULL,
    shared          BOOLEAN      NOT NULL,
    external        BOOLEAN      NOT NULL,
    mtu             INT          NOT NULL,
    KEY networks_project (project_id)
) ENGINE = InnoDB ROW_FORMAT = DYNAMIC DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;

-- What a network is made of below (extension provider). One row each until multi-provider networks exist.
CREATE TABLE IF NOT EXISTS networksegments (
    network_id       VARCHAR(36)  NOT NULL,
    segment_index    INT          NOT NULL,
    network_type     VARCHAR(32)  NOT NULL,
    physical_network VARCHAR(64),
    segmentation_id  INT,
    PRIMARY KEY (network_id, segment_index),
    CONSTRAINT networksegments_network FOREIGN KEY (network_id) REFERENCES networks (id) ON DELETE CASCADE
) ENGINE = InnoDB ROW_FORMAT = DYNAMIC DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;

CREATE TABLE IF NOT EXISTS subnets (
    id                VARCHAR(36)  NOT NULL PRIMARY KEY,
    project_id        VARCHAR(255) NOT NULL,
    description       VARCHAR(255) NOT NULL,
    created_at        CHAR(20)     NOT NULL,
    updated_at        CHAR(20)     NOT NULL,
    revision_number   BIGINT       NOT NULL,
    name              VARCHAR(255) NOT NULL,
    network_id        VARCHAR(36)  NOT NULL,
    ip_version        INT          NOT NULL,
    cidr              VARCHAR(64)  NOT NULL,
    gateway_ip        VARCHAR(64),
    enable_dhcp       BOOLEAN      NOT NULL,
    ipv6_ra_mode      VARCHAR(16),
    ipv6_address_mode VARCHAR(16),
    subnetpool_id     VARCHAR(36),
    KEY subnets_network (network_id),
    KEY subnets_project (project_id),
    CONSTRAINT subnets_network FOREIGN KEY (network_id) REFERENCES networks (id)
) ENGINE = InnoDB ROW_FORMAT = DYNAMIC DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;

CREATE TABLE IF NOT EXISTS ipallocationpools (
    subnet_id VARCHAR(36) NOT NULL,
    position  INT         NOT NULL,
    first_ip  VARCHAR(64) NOT NULL,
    last_ip   VARCHAR(64) NOT NULL,
    PRIMARY KEY (subnet_id, position),
    CONSTRAINT ipallocationpools_subnet FOREIGN KEY (subnet_id) REFERENCES subnets (id) ON DELETE CASCADE
) ENGINE = InnoDB ROW_FORMAT = DYNAMIC DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;

CREATE TABLE IF NOT EXISTS dnsnameservers (
    subnet_id VARCHAR(36) NOT NULL,
    position  INT         NOT NULL,
    address   VARCHAR(64) NOT NULL,
    PRIMARY KEY (subnet_id, position),
    CONSTRAINT dnsnameservers_subnet FOREIGN KEY (subnet_id) REFERENCES subnets (id) ON DELETE CASCADE
) ENGINE = InnoDB ROW_FORMAT = DYNAMIC DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;

CREATE TABLE IF NOT EXISTS subnetroutes (
    subnet_id   VARCHAR(36) NOT NULL,
    position    INT         NOT NULL,
    destination VARCHAR(64) NOT NULL,
    nexthop     VARCHAR(64) NOT NULL,
    PRIMARY KEY (subnet_id, position),
    CONSTRAINT subnetroutes_subnet FOREIGN KEY (subnet_id) REFERENCES subnets (id) ON DELETE CASCADE
) ENGINE = InnoDB ROW_FORMAT = DYNAMIC DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;

CREATE TABLE IF NOT EXISTS ports (
    id              VARCHAR(36)  NOT NULL PRIMARY KEY,
    project_id      VARCHAR(255) NOT NULL,
    description     VARCHAR(255) NOT NULL,
    created_at      CHAR(20)     NOT NULL,
    updated_at      CHAR(20)     NOT NULL,
    revision_number BIGINT       NOT NULL,
    name            VARCHAR(255) NOT NULL,
    network_id      VARCHAR(36)  NOT NULL,
    mac_address     CHAR(17)     NOT NULL,
    admin_state_up  BOOLEAN      NOT NULL,
    status          VARCHAR(16)  NOT NULL,
    device_id       VARCHAR(255) NOT NULL,
    device_owner    VARCHAR(255) NOT NULL,
    host_id         VARCHAR(255) NOT NULL,
    profile         MEDIUMTEXT   NOT NULL, -- a JSON object
    vif_type        VARCHAR(64)  NOT NULL,
    vnic_type       VARCHAR(64)  NOT NULL,
    UNIQUE KEY ports_mac_address (network_id, mac_address),
    KEY ports_project (project_id),
    KEY ports_device (device_id),
    CONSTRAINT ports_network FOREIGN KEY (network_id) REFERENCES networks (id)
) ENGINE = InnoDB ROW_FORMAT = DYNAMIC DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;

-- The address is its 4 or 16 octets, so that ipallocations_ip_address has those of a subnet in their order and a free one is found by
-- walking from any place to the next gap. It is not the primary key because MariaDB calls every table's by one name.
CREATE TABLE IF NOT EXISTS ipallocations (
    subnet_id  VARCHAR(36)   NOT NULL,
    ip_address VARBINARY(16) NOT NULL,
    port_id    VARCHAR(36)   NOT NULL,
    position   INT           NOT NULL,
    PRIMARY KEY (port_id, position),
    UNIQUE KEY ipallocations_ip_address (subnet_id, ip_address),
    CONSTRAINT ipallocations_subnet FOREIGN KEY (subnet_id) REFERENCES subnets (id),
    CONSTRAINT ipallocations_port FOREIGN KEY (port_id) REFERENCES ports (id) ON DELETE CASCADE
) ENGINE = InnoDB ROW_FORMAT = DYNAMIC DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;

CREATE TABLE IF NOT EXISTS extradhcpopts (
    port_id    VARCHAR(36)  NOT NULL,
    opt_name   VARCHAR(255) NOT NULL,
    ip_version INT          NOT NULL,
    opt_value  VARCHAR(255) NOT NULL,
    PRIMARY KEY (port_id, opt_name, ip_version),
    CONSTRAINT extradhcpopts_port FOREIGN KEY (port_id) REFERENCES ports (id) ON DELETE CASCADE
) ENGINE = InnoDB ROW_FORMAT = DYNAMIC DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;

-- The journal (networking-midonet's table of the same name). InnoDB does not use a number again when its task is done (since MySQL 8.0 and
-- MariaDB 10.2.4 not even after a restart).
CREATE TABLE IF NOT EXISTS midonet_tasks (
    id             BIGINT       NOT NULL PRIMARY KEY AUTO_INCREMENT,
    type           VARCHAR(16)  NOT NULL,
    data_type      VARCHAR(64)  NOT NULL,
    data           LONGTEXT     NOT NULL,
    resource_id    VARCHAR(36)  NOT NULL,
    project_id     VARCHAR(255) NOT NULL,
    transaction_id VARCHAR(255) NOT NULL,
    created_at     CHAR(20)     NOT NULL
) ENGINE = InnoDB ROW_FORMAT = DYNAMIC DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;

-- Which journal this is, among all: one row, made with the database.
CREATE TABLE IF NOT EXISTS midonet_journal (
    identity CHAR(32) NOT NULL PRIMARY KEY
) ENGINE = InnoDB ROW_FORMAT = DYNAMIC DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;
INSERT INTO midonet_journal (identity)
SELECT REPLACE(UUID(), '-', '') FROM DUAL WHERE NOT EXISTS (SELECT * FROM midonet_journal);
