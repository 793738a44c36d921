-- The hosts of the cluster and the availability zones that are asked for: the same tables and columns as in ../sqlite.

-- +goose NO TRANSACTION
-- +goose Up
CREATE TABLE IF NOT EXISTS hosts (
    id         VARCHAR(36)  NOT NULL PRIMARY KEY,
    name       VARCHAR(255) NOT NULL,
    zone       VARCHAR(255) NOT NULL,
    endpoints  VARCHAR(255) NOT NULL,
    alive      BOOLEAN      NOT NULL,
    version    VARCHAR(255) NOT NULL,
    started_at CHAR(20)     NOT NULL,
    seen_at    CHAR(20)     NOT NULL
) ENGINE = InnoDB ROW_FORMAT = DYNAMIC DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;

-- MySQL has no ADD COLUMN IF NOT EXISTS, and the migration may have been killed behind it.
SET @statement = IF(
    (SELECT COUNT(*) FROM information_schema.columns
        WHERE table_schema = DATABASE() AND table_name = 'networks' AND column_name = 'availability_zone_hints') = 0,
    'ALTER TABLE networks ADD COLUMN availability_zone_hints VARCHAR(255) NOT NULL DEFAULT ''[]''',
    'DO 0');
PREPARE migration FROM @statement;
EXECUTE migration;
DEALLOCATE PREPARE migration;

SET @statement = IF(
    (SELECT COUNT(*) FROM information_schema.columns
        WHERE table_schema = DATABASE() AND table_name = 'routers' AND column_name = 'availability_zone_hints') = 0,
    'ALTER TABLE routers ADD COLUMN availability_zone_hints VARCHAR(255) NOT NULL DEFAULT ''[]''',
    'DO 0');
PREPARE migration FROM @statement;
EXECUTE migration;
DEALLOCATE PREPARE migration;
