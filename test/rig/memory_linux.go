package rig

import (
	"fmt"
	"os"
	"strings"
)

// PeakMemory returns the peak resident memory of a replica since its start, in bytes.
func PeakMemory(c *Cluster, i int) int64 {
	c.tb.Helper()
	r := c.replicas[i]
	r.mutex.Lock()
	defer r.mutex.Unlock()
	if r.process == nil {
		c.tb.Fatalf("%s is not running", r.name)
	}
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", r.process.Process.Pid))
	if err != nil {
		c.tb.Fatal(err)
	}
	_, peak, _ := strings.Cut(string(status), "VmHWM:")
	var kilobytes int64
	if _, err := fmt.Sscanf(peak, "%d kB", &kilobytes); err != nil {
		c.tb.Fatalf("read the peak of memory: %v", err)
	}
	return kilobytes << 10
}
