-- The stamps by which a server knows again what it has read before (stamp.go): the same columns and table as in ../sqlite. RAND() has 30 bits.

-- +goose NO TRANSACTION
-- +goose Up

-- MySQL has no ADD COLUMN IF NOT EXISTS, and the migration may have been killed behind any of these.
SET @statement = IF(
    (SELECT COUNT(*) FROM information_schema.columns
        WHERE table_schema = DATABASE() AND table_name = 'networks' AND column_name = 'stamp') = 0,
    'ALTER TABLE networks ADD COLUMN stamp BIGINT NOT NULL DEFAULT 0',
    'DO 0');
PREPARE migration FROM @statement;
EXECUTE migration;
DEALLOCATE PREPARE migration;
UPDATE networks SET stamp = (FLOOR(RAND() * 1073741824) << 30) | FLOOR(RAND() * 1073741824) WHERE stamp = 0;
SET @statement = IF(
    (SELECT COUNT(*) FROM information_schema.columns
        WHERE table_schema = DATABASE() AND table_name = 'subnets' AND column_name = 'stamp') = 0,
    'ALTER TABLE subnets ADD COLUMN stamp BIGINT NOT NULL DEFAULT 0',
    'DO 0');
PREPARE migration FROM @statement;
EXECUTE migration;
DEALLOCATE PREPARE migration;
UPDATE subnets SET stamp = (FLOOR(RAND() * 1073741824) << 30) | FLOOR(RAND() * 1073741824) WHERE stamp = 0;
SET @statement = IF(
    (SELECT COUNT(*) FROM information_schema.columns
        WHERE table_schema = DATABASE() AND table_name = 'ports' AND column_name = 'stamp') = 0,
    'ALTER TABLE ports ADD COLUMN stamp BIGINT NOT NULL DEFAULT 0',
    'DO 0');
PREPARE migration FROM @statement;
EXECUTE migration;
DEALLOCATE PREPARE migration;
UPDATE ports SET stamp = (FLOOR(RAND() * 1073741824) << 30) | FLOOR(RAND() * 1073741824) WHERE stamp = 0;
SET @statement = IF(
    (SELECT COUNT(*) FROM information_schema.columns
        WHERE table_schema = DATABASE() AND table_name = 'subnetpools' AND column_name = 'stamp') = 0,
    'ALTER TABLE subnetpools ADD COLUMN stamp BIGINT NOT NULL DEFAULT 0',
    'DO 0');
PREPARE migration FROM @statement;
EXECUTE migration;
DEALLOCATE PREPARE migration;
UPDATE subnetpools SET stamp = (FLOOR(RAND() * 1073741824) << 30) | FLOOR(RAND() * 1073741824) WHERE stamp = 0;
SET @statement = IF(
    (SELECT COUNT(*) FROM information_schema.columns
        WHERE table_schema = DATABASE() AND table_name = 'routers' AND column_name = 'stamp') = 0,
    'ALTER TABLE routers ADD COLUMN stamp BIGINT NOT NULL DEFAULT 0',
    'DO 0');
PREPARE migration FROM @statement;
EXECUTE migration;
DEALLOCATE PREPARE migration;
UPDATE routers SET stamp = (FLOOR(RAND() * 1073741824) << 30) | FLOOR(RAND() * 1073741824) WHERE stamp = 0;
SET @statement = IF(
    (SELECT COUNT(*) FROM information_schema.columns
        WHERE table_schema = DATABASE() AND table_name = 'floatingips' AND column_name = 'stamp') = 0,
    'ALTER TABLE floatingips ADD COLUMN stamp BIGINT NOT NULL DEFAULT 0',
    'DO 0');
PREPARE migration FROM @statement;
EXECUTE migration;
DEALLOCATE PREPARE migration;
UPDATE floatingips SET stamp = (FLOOR(RAND() * 1073741824) << 30) | FLOOR(RAND() * 1073741824) WHERE stamp = 0;
SET @statement = IF(
    (SELECT COUNT(*) FROM information_schema.columns
        WHERE table_schema = DATABASE() AND table_name = 'portforwardings' AND column_name = 'stamp') = 0,
    'ALTER TABLE portforwardings ADD COLUMN stamp BIGINT NOT NULL DEFAULT 0',
    'DO 0');
PREPARE migration FROM @statement;
EXECUTE migration;
DEALLOCATE PREPARE migration;
UPDATE portforwardings SET stamp = (FLOOR(RAND() * 1073741824) << 30) | FLOOR(RAND() * 1073741824) WHERE stamp = 0;
SET @statement = IF(
    (SELECT COUNT(*) FROM information_schema.columns
        WHERE table_schema = DATABASE() AND table_name = 'securitygroups' AND column_name = 'stamp') = 0,
    'ALTER TABLE securitygroups ADD COLUMN stamp BIGINT NOT NULL DEFAULT 0',
    'DO 0');
PREPARE migration FROM @statement;
EXECUTE migration;
DEALLOCATE PREPARE migration;
UPDATE securitygroups SET stamp = (FLOOR(RAND() * 1073741824) << 30) | FLOOR(RAND() * 1073741824) WHERE stamp = 0;
SET @statement = IF(
    (SELECT COUNT(*) FROM information_schema.columns
        WHERE table_schema = DATABASE() AND table_name = 'securitygrouprules' AND column_name = 'stamp') = 0,
    'ALTER TABLE securitygrouprules ADD COLUMN stamp BIGINT NOT NULL DEFAULT 0',
    'DO 0');
PREPARE migration FROM @statement;
EXECUTE migration;
DEALLOCATE PREPARE migration;
UPDATE securitygrouprules SET stamp = (FLOOR(RAND() * 1073741824) << 30) | FLOOR(RAND() * 1073741824) WHERE stamp = 0;
SET @statement = IF(
    (SELECT COUNT(*) FROM information_schema.columns
        WHERE table_schema = DATABASE() AND table_name = 'address_groups' AND column_name = 'stamp') = 0,
    'ALTER TABLE address_groups ADD COLUMN stamp BIGINT NOT NULL DEFAULT 0',
    'DO 0');
PREPARE migration FROM @statement;
EXECUTE migration;
DEALLOCATE PREPARE migration;
UPDATE address_groups SET stamp = (FLOOR(RAND() * 1073741824) << 30) | FLOOR(RAND() * 1073741824) WHERE stamp = 0;

-- That of the availability zones that hosts are in: one row.
CREATE TABLE IF NOT EXISTS midonet_zones (
    id    INT    NOT NULL,
    stamp BIGINT NOT NULL,
    PRIMARY KEY (id)
) ENGINE = InnoDB ROW_FORMAT = DYNAMIC DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;
INSERT IGNORE INTO midonet_zones (id, stamp) VALUES (1, (FLOOR(RAND() * 1073741824) << 30) | FLOOR(RAND() * 1073741824));
