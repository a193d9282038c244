//go:build !linux

package rig

// PeakMemory returns 0, since this system does not report it.
func PeakMemory(_ *Cluster, _ int) int64 { return 0 }
