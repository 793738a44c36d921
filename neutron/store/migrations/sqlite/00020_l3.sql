-- Routers, floating addresses and their forwardings (neutron/db/models/l3.py, l3_attrs.py and port_forwarding.py in the original). Which
-- ports are a router's interfaces, the ports themselves say.

-- +goose Up
CREATE TABLE routers (
    id              TEXT    NOT NULL PRIMARY KEY,
    project_id      TEXT    NOT NULL,
    description     TEXT    NOT NULL,
    created_at      TEXT    NOT NULL,
    updated_at      TEXT    NOT NULL,
    revision_number INTEGER NOT NULL,
    name            TEXT    NOT NULL,
    admin_state_up  INTEGER NOT NULL,
    status          TEXT    NOT NULL,
    gw_port_id      TEXT    REFERENCES ports (id),
    enable_snat     INTEGER NOT NULL
) STRICT;
CREATE INDEX routers_project ON routers (project_id);
CREATE INDEX routers_gw_port ON routers (gw_port_id);

CREATE TABLE routerroutes (
    router_id   TEXT    NOT NULL REFERENCES routers (id) ON DELETE CASCADE,
    position    INTEGER NOT NULL,
    destination TEXT    NOT NULL,
    nexthop     TEXT    NOT NULL,
    PRIMARY KEY (router_id, position)
) STRICT, WITHOUT ROWID;

-- An address goes with the port that holds it on the external network. The port that it stands for cannot go before it was let go.
CREATE TABLE floatingips (
    id                  TEXT    NOT NULL PRIMARY KEY,
    project_id          TEXT    NOT NULL,
    description         TEXT    NOT NULL,
    created_at          TEXT    NOT NULL,
    updated_at          TEXT    NOT NULL,
    revision_number     INTEGER NOT NULL,
    floating_ip_address TEXT    NOT NULL,
    floating_network_id TEXT    NOT NULL REFERENCES networks (id),
    floating_port_id    TEXT    NOT NULL REFERENCES ports (id) ON DELETE CASCADE,
    router_id           TEXT    REFERENCES routers (id),
    fixed_port_id       TEXT    REFERENCES ports (id),
    fixed_ip_address    TEXT,
    status              TEXT    NOT NULL,
    UNIQUE (floating_network_id, fixed_port_id, fixed_ip_address)
) STRICT;
CREATE INDEX floatingips_project ON floatingips (project_id);
CREATE INDEX floatingips_floating_port ON floatingips (floating_port_id);
CREATE INDEX floatingips_router ON floatingips (router_id);
CREATE INDEX floatingips_fixed_port ON floatingips (fixed_port_id);

CREATE TABLE portforwardings (
    id                  TEXT    NOT NULL PRIMARY KEY,
    project_id          TEXT    NOT NULL,
    description         TEXT    NOT NULL,
    created_at          TEXT    NOT NULL,
    updated_at          TEXT    NOT NULL,
    revision_number     INTEGER NOT NULL,
    floatingip_id       TEXT    NOT NULL REFERENCES floatingips (id),
    internal_port_id    TEXT    NOT NULL REFERENCES ports (id),
    internal_ip_address TEXT    NOT NULL,
    protocol            TEXT    NOT NULL,
    external_port_start INTEGER NOT NULL,
    external_port_end   INTEGER NOT NULL,
    internal_port_start INTEGER NOT NULL,
    internal_port_end   INTEGER NOT NULL
) STRICT;
CREATE INDEX portforwardings_floatingip ON portforwardings (floatingip_id);
CREATE INDEX portforwardings_internal_port ON portforwardings (internal_port_id);
