-- Names of ports, and the domains of ports and networks: the same columns as in ../sqlite.

-- +goose NO TRANSACTION
-- +goose Up

-- MySQL has no ADD COLUMN IF NOT EXISTS, and the migration may have been killed behind it.
SET @statement = IF(
    (SELECT COUNT(*) FROM information_schema.columns
        WHERE table_schema = DATABASE() AND table_name = 'ports' AND column_name = 'dns_name') = 0,
    'ALTER TABLE ports ADD COLUMN dns_name VARCHAR(255) NOT NULL DEFAULT ''''',
    'DO 0');
PREPARE migration FROM @statement;
EXECUTE migration;
DEALLOCATE PREPARE migration;

SET @statement = IF(
    (SELECT COUNT(*) FROM information_schema.columns
        WHERE table_schema = DATABASE() AND table_name = 'ports' AND column_name = 'dns_domain') = 0,
    'ALTER TABLE ports ADD COLUMN dns_domain VARCHAR(255) NOT NULL DEFAULT ''''',
    'DO 0');
PREPARE migration FROM @statement;
EXECUTE migration;
DEALLOCATE PREPARE migration;

SET @statement = IF(
    (SELECT COUNT(*) FROM information_schema.columns
        WHERE table_schema = DATABASE() AND table_name = 'networks' AND column_name = 'dns_domain') = 0,
    'ALTER TABLE networks ADD COLUMN dns_domain VARCHAR(255) NOT NULL DEFAULT ''''',
    'DO 0');
PREPARE migration FROM @statement;
EXECUTE migration;
DEALLOCATE PREPARE migration;
