package pgserver

import "golang.org/x/sys/unix"

// memoryDir returns a directory whose files are in memory, or "" if the machine
// lacks one with enough space.
//
// The databases of tests are small and live for a second. On some file systems
// creating the 400 files of one takes a quarter of a second of processor time, in
// memory 10 ms.
func memoryDir() string {
	const (
		dir    = "/dev/shm"
		enough = 1 << 30 // many databases and their write-ahead log
	)
	var fs unix.Statfs_t
	if err := unix.Statfs(dir, &fs); err != nil || fs.Type != unix.TMPFS_MAGIC || unix.Access(dir, unix.W_OK) != nil {
		return ""
	}
	if fs.Bavail*uint64(fs.Bsize) < enough { //nolint:gosec // the size of a block is positive
		return ""
	}
	return dir
}
