-- What lists are asked for most, where ../sqlite has such an index and there is none yet: here the primary key is at the end of each.

-- +goose NO TRANSACTION
-- +goose Up

-- MySQL has no CREATE INDEX IF NOT EXISTS, and the migration may have been killed behind any of these.
SET @statement = IF(
    (SELECT COUNT(*) FROM information_schema.statistics
        WHERE table_schema = DATABASE() AND table_name = 'networks' AND index_name = 'networks_name') = 0,
    'ALTER TABLE networks ADD KEY networks_name (name)',
    'DO 0');
PREPARE migration FROM @statement;
EXECUTE migration;
DEALLOCATE PREPARE migration;
SET @statement = IF(
    (SELECT COUNT(*) FROM information_schema.statistics
        WHERE table_schema = DATABASE() AND table_name = 'subnets' AND index_name = 'subnets_name') = 0,
    'ALTER TABLE subnets ADD KEY subnets_name (name)',
    'DO 0');
PREPARE migration FROM @statement;
EXECUTE migration;
DEALLOCATE PREPARE migration;
SET @statement = IF(
    (SELECT COUNT(*) FROM information_schema.statistics
        WHERE table_schema = DATABASE() AND table_name = 'ports' AND index_name = 'ports_name') = 0,
    'ALTER TABLE ports ADD KEY ports_name (name), ADD KEY ports_of_network (network_id), ADD KEY ports_of_host (host_id)',
    'DO 0');
PREPARE migration FROM @statement;
EXECUTE migration;
DEALLOCATE PREPARE migration;
SET @statement = IF(
    (SELECT COUNT(*) FROM information_schema.statistics
        WHERE table_schema = DATABASE() AND table_name = 'routers' AND index_name = 'routers_name') = 0,
    'ALTER TABLE routers ADD KEY routers_name (name)',
    'DO 0');
PREPARE migration FROM @statement;
EXECUTE migration;
DEALLOCATE PREPARE migration;
SET @statement = IF(
    (SELECT COUNT(*) FROM information_schema.statistics
        WHERE table_schema = DATABASE() AND table_name = 'securitygroups' AND index_name = 'securitygroups_name') = 0,
    'ALTER TABLE securitygroups ADD KEY securitygroups_name (name)',
    'DO 0');
PREPARE migration FROM @statement;
EXECUTE migration;
DEALLOCATE PREPARE migration;
SET @statement = IF(
    (SELECT COUNT(*) FROM information_schema.statistics
        WHERE table_schema = DATABASE() AND table_name = 'floatingips' AND index_name = 'floatingips_address') = 0,
    'ALTER TABLE floatingips ADD KEY floatingips_address (floating_ip_address)',
    'DO 0');
PREPARE migration FROM @statement;
EXECUTE migration;
DEALLOCATE PREPARE migration;
SET @statement = IF(
    (SELECT COUNT(*) FROM information_schema.statistics
        WHERE table_schema = DATABASE() AND table_name = 'ipallocations' AND index_name = 'ipallocations_address') = 0,
    'ALTER TABLE ipallocations ADD KEY ipallocations_address (ip_address, port_id), ADD KEY ipallocations_of_port (port_id, position)',
    'DO 0');
PREPARE migration FROM @statement;
EXECUTE migration;
DEALLOCATE PREPARE migration;
