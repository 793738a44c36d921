-- RBAC policies (neutron/db/rbac_db_models.py in the original, which has a table for each type of object). That a network is shared with
-- everyone is such a policy, and so is that everyone sees it because it is external: what networks had as columns becomes rows.
--
-- object_id names a row of one of several tables; whoever deletes an object deletes its policies.

-- +goose Up
CREATE TABLE rbacpolicies (
    id             TEXT NOT NULL PRIMARY KEY,
    project_id     TEXT NOT NULL,
    object_type    TEXT NOT NULL,
    object_id      TEXT NOT NULL,
    action         TEXT NOT NULL,
    target_project TEXT NOT NULL
) STRICT;
CREATE UNIQUE INDEX rbacpolicies_values ON rbacpolicies (object_id, action, target_project);
CREATE INDEX rbacpolicies_target ON rbacpolicies (target_project, action, object_id);
CREATE INDEX rbacpolicies_project ON rbacpolicies (project_id);

INSERT INTO rbacpolicies (id, project_id, object_type, object_id, action, target_project)
SELECT lower(hex(randomblob(4)) || '-' || hex(randomblob(2)) || '-4' || substr(hex(randomblob(2)), 2) || '-a' ||
       substr(hex(randomblob(2)), 2) || '-' || hex(randomblob(6))), n.project_id, 'network', n.id, a.action, '*'
FROM networks n JOIN (SELECT 'access_as_shared' AS action UNION SELECT 'access_as_external') a
WHERE a.action = 'access_as_shared' AND n.shared = 1 OR a.action = 'access_as_external' AND n.external = 1;

ALTER TABLE networks DROP COLUMN shared;
