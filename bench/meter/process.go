package meter

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// ticks is the number of clock ticks per second in /proc. It is the same on every
// Linux that Go supports.
const ticks = 100

// stat has fields of /proc/PID/stat.
type stat struct {
	parent   int
	own      time.Duration // of the process
	children time.Duration // of terminated children
}

// processTime returns the processor time of a process and of its children, including
// terminated ones.
func processTime(pid int) (time.Duration, error) {
	root, err := readStat(pid)
	if err != nil {
		return 0, err
	}
	total := root.own + root.children
	paths, err := filepath.Glob("/proc/[0-9]*")
	if err != nil {
		return 0, fmt.Errorf("list processes: %w", err)
	}
	for _, path := range paths {
		child, err := strconv.Atoi(filepath.Base(path))
		if err != nil {
			continue
		}
		s, err := readStat(child)
		if err == nil && s.parent == pid {
			total += s.own + s.children
		}
	}
	return total, nil
}

func readStat(pid int) (*stat, error) {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("%w: %d", errNoProcess, pid)
	}
	if err != nil {
		return nil, fmt.Errorf("read process: %w", err)
	}
	return parseStat(text)
}

// parseStat reads the fields after the command, which is in parentheses and may
// hold anything (proc_pid_stat(5)).
func parseStat(text []byte) (*stat, error) {
	const parent, userTime, childSystemTime = 1, 11, 14 // counted from the state
	fields := strings.Fields(string(text[bytes.LastIndexByte(text, ')')+1:]))
	if len(fields) <= childSystemTime {
		return nil, errors.New("read process: too few fields")
	}
	var s stat
	var err error
	if s.parent, err = strconv.Atoi(fields[parent]); err != nil {
		return nil, fmt.Errorf("read process: %w", err)
	}
	var times [4]time.Duration
	for i := range times {
		n, err := strconv.ParseInt(fields[userTime+i], 10, 64)
		if err != nil {
			return nil, fmt.Errorf("read process: %w", err)
		}
		times[i] = time.Duration(n) * time.Second / ticks
	}
	s.own, s.children = times[0]+times[1], times[2]+times[3]
	return &s, nil
}

// ownTime returns the processor time of this process.
func ownTime() (time.Duration, error) {
	var usage syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &usage); err != nil {
		return 0, fmt.Errorf("getrusage: %w", err)
	}
	return time.Duration(usage.Utime.Nano() + usage.Stime.Nano()), nil
}

// ResetPeak resets [Meter.Peak]. Without permission to do so it has no effect, and
// the peak is that since the start of the process.
func (m *Meter) ResetPeak() {
	if m.server != 0 {
		_ = os.WriteFile(fmt.Sprintf("/proc/%d/clear_refs", m.server), []byte("5"), 0o200)
	}
}

// Peak returns the peak resident memory of the server since [Meter.ResetPeak] in
// bytes, and 0 if it is unknown.
func (m *Meter) Peak() int64 { return m.memory("VmHWM:") }

// Memory returns the resident memory of the server in bytes, and 0 if it is unknown.
func (m *Meter) Memory() int64 { return m.memory("VmRSS:") }

func (m *Meter) memory(field string) int64 {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", m.server))
	if err != nil {
		return 0
	}
	for line := range strings.Lines(string(text)) {
		value, found := strings.CutPrefix(line, field)
		if !found {
			continue
		}
		kilobytes, err := strconv.ParseInt(strings.TrimSuffix(strings.TrimSpace(value), " kB"), 10, 64)
		if err != nil {
			return 0
		}
		return kilobytes << 10
	}
	return 0
}
