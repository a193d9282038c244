//go:build !linux

package rig

// PeakMemory returns 0: this system does not tell.
func (c *Cluster) PeakMemory(int) int64 { return 0 }
