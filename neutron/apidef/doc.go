// Package apidef describes the resources of the Networking API v2.0 and its extensions as data: each attribute once, with its type,
// default, who may set and see it, and how it is checked, converted, filtered and sorted by.
//
// The one generic controller (package api) takes routing, checking, error texts, filters and sort keys from here; the structs of
// package model hold what these definitions describe, and a test ties the two together both ways. The definitions follow neutron-lib
// 3.1 (OpenStack Zed), api/definitions/*.py; the texts of refusals are those of neutron-lib api/attributes.py, api/converters.py and
// api/validators/__init__.py, since clients and test suites read them.
//
// Values here are in the form that encoding/json gives with UseNumber: nil, bool, json.Number, string, []any, map[string]any.
// Converters may return int64 besides. Nothing of this form goes further than the controller.
package apidef
