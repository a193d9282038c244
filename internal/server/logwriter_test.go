package server

import (
	"bytes"
	"fmt"
	"io"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
)

func TestLogWriterWritesEveryLine(t *testing.T) {
	t.Parallel()

	var out bytes.Buffer
	l := NewLogWriter(&out)
	var callers sync.WaitGroup
	for i := range 8 {
		callers.Go(func() {
			for j := range 500 {
				fmt.Fprintf(l, "%d %d\n", i, j)
			}
		})
	}
	callers.Wait()
	l.Close()
	fmt.Fprintln(l, "afterwards")

	next := map[int]int{}
	lines := strings.Split(strings.TrimSpace(out.String()), "\n")
	for _, line := range lines[:len(lines)-1] {
		var i, j int
		if _, err := fmt.Sscanf(line, "%d %d", &i, &j); err != nil || next[i] != j {
			t.Fatalf("line %q after %d of its caller", line, next[i])
		}
		next[i]++
	}
	if len(lines) != 8*500+1 || lines[len(lines)-1] != "afterwards" {
		t.Errorf("%d lines, the last %q", len(lines), lines[len(lines)-1])
	}
}

// Writes do not block on a reader that has stopped, until the buffer is full. The buffer's size is
// limited.
func TestLogWriterDoesNotBlockOnSlowReader(t *testing.T) {
	t.Parallel()

	synctest.Test(t, func(t *testing.T) {
		reading, writing := io.Pipe()
		l := NewLogWriter(writing)
		line := bytes.Repeat([]byte("x"), 1<<10)
		written := 0
		done := make(chan struct{})
		go func() {
			defer close(done)
			for range 3 * maxBuffered >> 10 {
				_, _ = l.Write(line)
				written++
			}
		}()
		synctest.Wait()
		if kept := written << 10; kept < maxBuffered || kept > 2*(maxBuffered+4<<10) {
			t.Errorf("%d bytes were taken while nobody read, want from %d to little more than twice that", kept, maxBuffered)
		}
		go io.Copy(io.Discard, reading)
		<-done
		l.Close()
		_ = writing.Close()
	})
}
