-- What may pass a port: port security, allowed address pairs, security groups and their rules, address groups: the same tables and
-- columns as in ../sqlite.

-- +goose NO TRANSACTION
-- +goose Up

-- MySQL has no ADD COLUMN IF NOT EXISTS, and the migration may have been killed behind it.
SET @statement = IF(
    (SELECT COUNT(*) FROM information_schema.columns
        WHERE table_schema = DATABASE() AND table_name = 'networks' AND column_name = 'port_security_enabled') = 0,
    'ALTER TABLE networks ADD COLUMN port_security_enabled BOOLEAN NOT NULL DEFAULT TRUE',
    'DO 0');
PREPARE migration FROM @statement;
EXECUTE migration;
DEALLOCATE PREPARE migration;

SET @statement = IF(
    (SELECT COUNT(*) FROM information_schema.columns
        WHERE table_schema = DATABASE() AND table_name = 'ports' AND column_name = 'port_security_enabled') = 0,
    'ALTER TABLE ports ADD COLUMN port_security_enabled BOOLEAN NOT NULL DEFAULT TRUE',
    'DO 0');
PREPARE migration FROM @statement;
EXECUTE migration;
DEALLOCATE PREPARE migration;

CREATE TABLE IF NOT EXISTS allowedaddresspairs (
    port_id     VARCHAR(36) NOT NULL,
    position    INT         NOT NULL,
    mac_address CHAR(17)    NOT NULL,
    ip_address  VARCHAR(64) NOT NULL,
    PRIMARY KEY (port_id, position),
    CONSTRAINT allowedaddresspairs_port FOREIGN KEY (port_id) REFERENCES ports (id) ON DELETE CASCADE
) ENGINE = InnoDB ROW_FORMAT = DYNAMIC DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;

CREATE TABLE IF NOT EXISTS securitygroups (
    id              VARCHAR(36)  NOT NULL PRIMARY KEY,
    project_id      VARCHAR(255) NOT NULL,
    description     VARCHAR(255) NOT NULL,
    created_at      CHAR(20)     NOT NULL,
    updated_at      CHAR(20)     NOT NULL,
    revision_number BIGINT       NOT NULL,
    name            VARCHAR(255) NOT NULL,
    stateful        BOOLEAN      NOT NULL,
    KEY securitygroups_project (project_id)
) ENGINE = InnoDB ROW_FORMAT = DYNAMIC DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;

-- The name of the unique key is what uniqueConstraint in mysqlerrors.go looks for.
CREATE TABLE IF NOT EXISTS default_security_group (
    project_id        VARCHAR(255) NOT NULL,
    security_group_id VARCHAR(36)  NOT NULL PRIMARY KEY,
    UNIQUE KEY default_security_group_project (project_id),
    CONSTRAINT default_security_group_group FOREIGN KEY (security_group_id) REFERENCES securitygroups (id) ON DELETE CASCADE
) ENGINE = InnoDB ROW_FORMAT = DYNAMIC DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;

CREATE TABLE IF NOT EXISTS securitygroupportbindings (
    port_id           VARCHAR(36) NOT NULL,
    security_group_id VARCHAR(36) NOT NULL,
    PRIMARY KEY (port_id, security_group_id),
    KEY securitygroupportbindings_group (security_group_id),
    CONSTRAINT securitygroupportbindings_port FOREIGN KEY (port_id) REFERENCES ports (id) ON DELETE CASCADE,
    CONSTRAINT securitygroupportbindings_group FOREIGN KEY (security_group_id) REFERENCES securitygroups (id)
) ENGINE = InnoDB ROW_FORMAT = DYNAMIC DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;

CREATE TABLE IF NOT EXISTS address_groups (
    id              VARCHAR(36)  NOT NULL PRIMARY KEY,
    project_id      VARCHAR(255) NOT NULL,
    description     VARCHAR(1024) NOT NULL,
    created_at      CHAR(20)     NOT NULL,
    updated_at      CHAR(20)     NOT NULL,
    revision_number BIGINT       NOT NULL,
    name            VARCHAR(255) NOT NULL,
    KEY address_groups_project (project_id)
) ENGINE = InnoDB ROW_FORMAT = DYNAMIC DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;

CREATE TABLE IF NOT EXISTS address_associations (
    address_group_id VARCHAR(36) NOT NULL,
    address          VARCHAR(64) NOT NULL,
    PRIMARY KEY (address_group_id, address),
    CONSTRAINT address_associations_group FOREIGN KEY (address_group_id) REFERENCES address_groups (id) ON DELETE CASCADE
) ENGINE = InnoDB ROW_FORMAT = DYNAMIC DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;

CREATE TABLE IF NOT EXISTS securitygrouprules (
    id              VARCHAR(36)  NOT NULL PRIMARY KEY,
    project_id      VARCHAR(255) NOT NULL,
    description     VARCHAR(255) NOT NULL,
    created_at      CHAR(20)     NOT NULL,
    updated_at      CHAR(20)     NOT NULL,
    revision_number BIGINT       NOT NULL,
    security_group_id       VARCHAR(36) NOT NULL,
    direction               VARCHAR(8)  NOT NULL,
    ethertype               VARCHAR(8)  NOT NULL,
    protocol                VARCHAR(40),
    port_range_min          INT,
    port_range_max          INT,
    remote_ip_prefix        VARCHAR(64),
    normalized_cidr         VARCHAR(64),
    remote_group_id         VARCHAR(36),
    remote_address_group_id VARCHAR(36),
    KEY securitygrouprules_project (project_id),
    KEY securitygrouprules_group (security_group_id),
    KEY securitygrouprules_remote_group (remote_group_id),
    KEY securitygrouprules_remote_address_group (remote_address_group_id),
    CONSTRAINT securitygrouprules_group FOREIGN KEY (security_group_id) REFERENCES securitygroups (id) ON DELETE CASCADE,
    CONSTRAINT securitygrouprules_remote_group FOREIGN KEY (remote_group_id) REFERENCES securitygroups (id) ON DELETE CASCADE,
    CONSTRAINT securitygrouprules_remote_address_group FOREIGN KEY (remote_address_group_id) REFERENCES address_groups (id)
) ENGINE = InnoDB ROW_FORMAT = DYNAMIC DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;
