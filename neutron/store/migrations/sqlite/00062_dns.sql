-- Names of ports, and the domains of ports and networks (extensions dns-integration and dns-domain-ports). A name is empty where there is
-- none.

-- +goose Up
ALTER TABLE ports ADD COLUMN dns_name TEXT NOT NULL DEFAULT '';
ALTER TABLE ports ADD COLUMN dns_domain TEXT NOT NULL DEFAULT '';
ALTER TABLE networks ADD COLUMN dns_domain TEXT NOT NULL DEFAULT '';
