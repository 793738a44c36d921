-- Flavors and service profiles: the same tables as in ../sqlite. A migration that was killed half way is run again.

-- +goose NO TRANSACTION
-- +goose Up
CREATE TABLE IF NOT EXISTS flavors (
    id           VARCHAR(36)   NOT NULL PRIMARY KEY,
    name         VARCHAR(255)  NOT NULL,
    description  VARCHAR(1024),
    service_type VARCHAR(255)  NOT NULL,
    enabled      BOOLEAN       NOT NULL
) ENGINE = InnoDB ROW_FORMAT = DYNAMIC DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;

CREATE TABLE IF NOT EXISTS serviceprofiles (
    id          VARCHAR(36)   NOT NULL PRIMARY KEY,
    description VARCHAR(1024),
    driver      VARCHAR(1024) NOT NULL,
    metainfo    VARCHAR(4096),
    enabled     BOOLEAN       NOT NULL
) ENGINE = InnoDB ROW_FORMAT = DYNAMIC DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;

CREATE TABLE IF NOT EXISTS flavorserviceprofilebindings (
    flavor_id          VARCHAR(36) NOT NULL,
    service_profile_id VARCHAR(36) NOT NULL,
    PRIMARY KEY (flavor_id, service_profile_id),
    KEY flavorserviceprofilebindings_profile (service_profile_id),
    CONSTRAINT flavorserviceprofilebindings_flavor FOREIGN KEY (flavor_id) REFERENCES flavors (id) ON DELETE CASCADE,
    CONSTRAINT flavorserviceprofilebindings_profile FOREIGN KEY (service_profile_id) REFERENCES serviceprofiles (id)
) ENGINE = InnoDB ROW_FORMAT = DYNAMIC DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;
