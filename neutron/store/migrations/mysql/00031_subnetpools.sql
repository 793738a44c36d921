-- Subnet pools, address scopes and the service types of subnets: the same tables as in ../sqlite. A migration that was killed half way is
-- run again.

-- +goose NO TRANSACTION
-- +goose Up
CREATE TABLE IF NOT EXISTS addressscopes (
    id         VARCHAR(36)  NOT NULL PRIMARY KEY,
    project_id VARCHAR(255) NOT NULL,
    name       VARCHAR(255) NOT NULL,
    ip_version INT          NOT NULL,
    KEY addressscopes_project (project_id)
) ENGINE = InnoDB ROW_FORMAT = DYNAMIC DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;

CREATE TABLE IF NOT EXISTS subnetpools (
    id                VARCHAR(36)  NOT NULL PRIMARY KEY,
    project_id        VARCHAR(255) NOT NULL,
    description       VARCHAR(255) NOT NULL,
    created_at        CHAR(20)     NOT NULL,
    updated_at        CHAR(20)     NOT NULL,
    revision_number   BIGINT       NOT NULL,
    name              VARCHAR(255) NOT NULL,
    ip_version        INT          NOT NULL,
    default_prefixlen INT          NOT NULL,
    min_prefixlen     INT          NOT NULL,
    max_prefixlen     INT          NOT NULL,
    default_quota     INT,
    default_for       INT,
    address_scope_id  VARCHAR(36),
    UNIQUE KEY subnetpools_default_for (default_for),
    KEY subnetpools_project (project_id),
    KEY subnetpools_address_scope (address_scope_id),
    CONSTRAINT subnetpools_address_scope FOREIGN KEY (address_scope_id) REFERENCES addressscopes (id)
) ENGINE = InnoDB ROW_FORMAT = DYNAMIC DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;

CREATE TABLE IF NOT EXISTS subnetpoolprefixes (
    subnetpool_id VARCHAR(36) NOT NULL,
    position      INT         NOT NULL,
    cidr          VARCHAR(64) NOT NULL,
    PRIMARY KEY (subnetpool_id, position),
    CONSTRAINT subnetpoolprefixes_subnetpool FOREIGN KEY (subnetpool_id) REFERENCES subnetpools (id) ON DELETE CASCADE
) ENGINE = InnoDB ROW_FORMAT = DYNAMIC DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;

CREATE TABLE IF NOT EXISTS subnetservicetypes (
    subnet_id    VARCHAR(36)  NOT NULL,
    position     INT          NOT NULL,
    service_type VARCHAR(255) NOT NULL,
    PRIMARY KEY (subnet_id, position),
    CONSTRAINT subnetservicetypes_subnet FOREIGN KEY (subnet_id) REFERENCES subnets (id) ON DELETE CASCADE
) ENGINE = InnoDB ROW_FORMAT = DYNAMIC DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;

SET @statement = IF((SELECT COUNT(*) FROM information_schema.statistics
    WHERE table_schema = DATABASE() AND table_name = 'subnets' AND index_name = 'subnets_subnetpool'),
    'DO 0', 'CREATE INDEX subnets_subnetpool ON subnets (subnetpool_id)');
PREPARE add_index FROM @statement;
EXECUTE add_index;
