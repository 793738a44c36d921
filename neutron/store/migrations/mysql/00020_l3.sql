-- Routers, floating addresses and their forwardings: the same tables and columns as in ../sqlite.

-- +goose NO TRANSACTION
-- +goose Up
CREATE TABLE IF NOT EXISTS routers (
    id              VARCHAR(36)  NOT NULL PRIMARY KEY,
    project_id      VARCHAR(255) NOT NULL,
    description     VARCHAR(255) NOT NULL,
    created_at      CHAR(20)     NOT NULL,
    updated_at      CHAR(20)     NOT NULL,
    revision_number BIGINT       NOT NULL,
    name            VARCHAR(255) NOT NULL,
    admin_state_up  BOOLEAN      NOT NULL,
    status          VARCHAR(16)  NOT NULL,
    gw_port_id      VARCHAR(36),
    enable_snat     BOOLEAN      NOT NULL,
    KEY routers_project (project_id),
    CONSTRAINT routers_gw_port FOREIGN KEY (gw_port_id) REFERENCES ports (id)
) ENGINE = InnoDB ROW_FORMAT = DYNAMIC DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;

CREATE TABLE IF NOT EXISTS routerroutes (
    router_id   VARCHAR(36) NOT NULL,
    position    INT         NOT NULL,
    destination VARCHAR(64) NOT NULL,
    nexthop     VARCHAR(64) NOT NULL,
    PRIMARY KEY (router_id, position),
    CONSTRAINT routerroutes_router FOREIGN KEY (router_id) REFERENCES routers (id) ON DELETE CASCADE
) ENGINE = InnoDB ROW_FORMAT = DYNAMIC DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;

CREATE TABLE IF NOT EXISTS floatingips (
    id                  VARCHAR(36)  NOT NULL PRIMARY KEY,
    project_id          VARCHAR(255) NOT NULL,
    description         VARCHAR(255) NOT NULL,
    created_at          CHAR(20)     NOT NULL,
    updated_at          CHAR(20)     NOT NULL,
    revision_number     BIGINT       NOT NULL,
    floating_ip_address VARCHAR(64)  NOT NULL,
    floating_network_id VARCHAR(36)  NOT NULL,
    floating_port_id    VARCHAR(36)  NOT NULL,
    router_id           VARCHAR(36),
    fixed_port_id       VARCHAR(36),
    fixed_ip_address    VARCHAR(64),
    status              VARCHAR(16)  NOT NULL,
    UNIQUE KEY floatingips_fixed (floating_network_id, fixed_port_id, fixed_ip_address),
    KEY floatingips_project (project_id),
    CONSTRAINT floatingips_network FOREIGN KEY (floating_network_id) REFERENCES networks (id),
    CONSTRAINT floatingips_floating_port FOREIGN KEY (floating_port_id) REFERENCES ports (id) ON DELETE CASCADE,
    CONSTRAINT floatingips_router FOREIGN KEY (router_id) REFERENCES routers (id),
    CONSTRAINT floatingips_fixed_port FOREIGN KEY (fixed_port_id) REFERENCES ports (id)
) ENGINE = InnoDB ROW_FORMAT = DYNAMIC DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;

CREATE TABLE IF NOT EXISTS portforwardings (
    id                  VARCHAR(36)  NOT NULL PRIMARY KEY,
    project_id          VARCHAR(255) NOT NULL,
    description         VARCHAR(255) NOT NULL,
    created_at          CHAR(20)     NOT NULL,
    updated_at          CHAR(20)     NOT NULL,
    revision_number     BIGINT       NOT NULL,
    floatingip_id       VARCHAR(36)  NOT NULL,
    internal_port_id    VARCHAR(36)  NOT NULL,
    internal_ip_address VARCHAR(64)  NOT NULL,
    protocol            VARCHAR(40)  NOT NULL,
    external_port_start INT          NOT NULL,
    external_port_end   INT          NOT NULL,
    internal_port_start INT          NOT NULL,
    internal_port_end   INT          NOT NULL,
    CONSTRAINT portforwardings_floatingip FOREIGN KEY (floatingip_id) REFERENCES floatingips (id),
    CONSTRAINT portforwardings_internal_port FOREIGN KEY (internal_port_id) REFERENCES ports (id)
) ENGINE = InnoDB ROW_FORMAT = DYNAMIC DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;
