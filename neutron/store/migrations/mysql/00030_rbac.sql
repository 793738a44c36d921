-- RBAC policies: the same table as in ../sqlite. A migration that was killed half way is run again; the statements that read the column
-- that it removes are therefore made at run time.

-- +goose NO TRANSACTION
-- +goose Up
CREATE TABLE IF NOT EXISTS rbacpolicies (
    id             VARCHAR(36)  NOT NULL PRIMARY KEY,
    project_id     VARCHAR(255) NOT NULL,
    object_type    VARCHAR(64)  NOT NULL,
    object_id      VARCHAR(36)  NOT NULL,
    action         VARCHAR(64)  NOT NULL,
    target_project VARCHAR(255) NOT NULL,
    UNIQUE KEY rbacpolicies_values (object_id, action, target_project),
    KEY rbacpolicies_target (target_project, action, object_id),
    KEY rbacpolicies_project (project_id)
) ENGINE = InnoDB ROW_FORMAT = DYNAMIC DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;

SET @present = (SELECT COUNT(*) FROM information_schema.columns
    WHERE table_schema = DATABASE() AND table_name = 'networks' AND column_name = 'shared');
SET @statement = IF(@present, 'INSERT IGNORE INTO rbacpolicies (id, project_id, object_type, object_id, action, target_project)
    SELECT UUID(), project_id, ''network'', id, ''access_as_shared'', ''*'' FROM networks WHERE shared', 'DO 0');
PREPARE share FROM @statement;
EXECUTE share;
INSERT IGNORE INTO rbacpolicies (id, project_id, object_type, object_id, action, target_project)
SELECT UUID(), project_id, 'network', id, 'access_as_external', '*' FROM networks n WHERE external AND NOT EXISTS (
    SELECT * FROM rbacpolicies p WHERE p.object_id = n.id AND p.action = 'access_as_external');
SET @statement = IF(@present, 'ALTER TABLE networks DROP COLUMN shared', 'DO 0');
PREPARE clean FROM @statement;
EXECUTE clean;
