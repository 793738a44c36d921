// Package run wires the stages into roles by hand: one function for each thing that `midonet` can be. A function here starts,
// joins and stops parts; it decides nothing about networks.
package run

// Version is what `midonet version` prints and agents report; the linker sets it.
var Version = "development"
