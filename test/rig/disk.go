package rig

import "math"

// FillDisk makes all writes of a replica to files fail, as on a full disk. It needs
// Linux and [Options.DiskMayFill].
func FillDisk(c *Cluster, i int) {
	c.tb.Helper()
	if err := c.replicas[i].limitFiles(0); err != nil {
		c.tb.Fatal(err)
	}
}

// FreeDisk ends the effect of [FillDisk].
func FreeDisk(c *Cluster, i int) {
	c.tb.Helper()
	if err := c.replicas[i].limitFiles(math.MaxUint64); err != nil {
		c.tb.Fatal(err)
	}
}
