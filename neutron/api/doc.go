// Package api is the HTTP face of the Networking API v2.0: it turns requests into calls of plugin.Resource and their results into
// answers that no client can tell from neutron-server's.
//
// One generic controller serves every collection. What it knows of a resource comes from its definition (package apidef); the JSON
// form comes from package model. A request goes through these steps, each in a file of its own: route (server.go), authenticate,
// read and check the body (body.go) or the query (query.go), refuse what the caller may not do
// (policy.go), call the plugin (controller.go), write the answer with what the caller sees (view.go, links.go) or the fault (fault.go).
//
// The behaviours are those of neutron/pecan_wsgi and neutron/api/api_common.py of Neutron 21 (Zed).
package api
