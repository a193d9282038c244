//go:build !linux

package rig

// PeakMemory returns 0, since this system does not report it.
func (c *Cluster) PeakMemory(int) int64 { return 0 }
