package rig

import "math"

// FillDisk makes every write of a replica to a file fail from now on, as on a full disk.
// It needs Linux and [Options.DiskMayFill].
func (c *Cluster) FillDisk(i int) {
	c.tb.Helper()
	if err := c.replicas[i].limitFiles(0); err != nil {
		c.tb.Fatal(err)
	}
}

// FreeDisk lets a replica write again.
func (c *Cluster) FreeDisk(i int) {
	c.tb.Helper()
	if err := c.replicas[i].limitFiles(math.MaxUint64); err != nil {
		c.tb.Fatal(err)
	}
}
