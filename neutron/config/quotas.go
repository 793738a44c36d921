package config

import "midonet.org/midonet/neutron/quota"

// Quotas is [quotas] of neutron.conf (neutron/conf/quota.py).
type Quotas struct {
	Default           int    `oslo:"quotas/default_quota" default:"-1" help:"How many a project may have of what no option below is for; a negative number: any number."`
	Network           int    `oslo:"quotas/quota_network" default:"100" help:"How many networks a project may have."`
	Subnet            int    `oslo:"quotas/quota_subnet" default:"100" help:"How many subnets a project may have."`
	Port              int    `oslo:"quotas/quota_port" default:"500" help:"How many ports a project may have."`
	Router            int    `oslo:"quotas/quota_router" default:"10" help:"How many routers a project may have."`
	FloatingIP        int    `oslo:"quotas/quota_floatingip" default:"50" help:"How many floating IPs a project may have."`
	SecurityGroup     int    `oslo:"quotas/quota_security_group" default:"10" help:"How many security groups a project may have."`
	SecurityGroupRule int    `oslo:"quotas/quota_security_group_rule" default:"100" help:"How many rules the security groups of a project may have."`
	RBACPolicy        int    `oslo:"quotas/quota_rbac_policy" default:"10" help:"How many RBAC policies a project may have."`
	Driver            string `oslo:"quotas/quota_driver" default:"neutron.db.quota.driver_nolock.DbQuotaNoLockDriver" help:"How quotas are kept; Neutron's two drivers for a database mean the same here."`
}

// quotaDrivers are those of Neutron that keep quotas in the database.
var quotaDrivers = []string{"neutron.db.quota.driver_nolock.DbQuotaNoLockDriver", "neutron.db.quota.driver.DbQuotaDriver"}

// Limits are the quotas of projects that no one gave others.
func (q Quotas) Limits() quota.Limits {
	byResource := map[string]int{
		"network": q.Network, "subnet": q.Subnet, "port": q.Port, "router": q.Router, "floatingip": q.FloatingIP,
		"security_group": q.SecurityGroup, "security_group_rule": q.SecurityGroupRule, "rbac_policy": q.RBACPolicy,
	}
	for _, name := range quota.Resources() {
		if _, has := byResource[name]; !has {
			byResource[name] = q.Default
		}
	}
	for name, limit := range byResource {
		byResource[name] = max(limit, -1) // the API says -1 for any number below 0 (neutron/quota/resource.py, BaseResource.default)
	}
	return quota.Limits{ByResource: byResource}
}
