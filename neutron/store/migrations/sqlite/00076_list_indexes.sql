-- What lists are asked for most, in the order in which they are answered: the rows of a page lie side by side, however many there are.
-- Addresses are found without their subnet, and those of a port with their position.

-- +goose Up
CREATE INDEX networks_name ON networks (name, id);
DROP INDEX networks_project;
CREATE INDEX networks_owner ON networks (project_id, id);
CREATE INDEX subnets_name ON subnets (name, id);
DROP INDEX subnets_project;
CREATE INDEX subnets_owner ON subnets (project_id, id);
CREATE INDEX ports_name ON ports (name, id);
DROP INDEX ports_project;
CREATE INDEX ports_owner ON ports (project_id, id);
CREATE INDEX ports_of_network ON ports (network_id, id);
DROP INDEX ports_device;
CREATE INDEX ports_of_device ON ports (device_id, id);
CREATE INDEX ports_of_host ON ports (host_id, id);
CREATE INDEX routers_name ON routers (name, id);
DROP INDEX routers_project;
CREATE INDEX routers_owner ON routers (project_id, id);
CREATE INDEX securitygroups_name ON securitygroups (name, id);
DROP INDEX securitygroups_project;
CREATE INDEX securitygroups_owner ON securitygroups (project_id, id);
DROP INDEX floatingips_project;
CREATE INDEX floatingips_owner ON floatingips (project_id, id);
CREATE INDEX floatingips_address ON floatingips (floating_ip_address, id);
CREATE INDEX ipallocations_address ON ipallocations (ip_address, port_id);
DROP INDEX ipallocations_port;
CREATE INDEX ipallocations_of_port ON ipallocations (port_id, position);
