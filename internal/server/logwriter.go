package server

import (
	"io"
	"sync"
	"time"
)

const (
	// flushInterval is how long lines are collected after a write. A process that is killed
	// loses the lines of that time.
	flushInterval = 5 * time.Millisecond
	// maxBuffered is the maximum size of the buffer in bytes while the log is not read.
	maxBuffered = 1 << 20
)

// LogWriter writes a log in a goroutine: the first line immediately, and following lines in
// batches. Writers need no system call, and wait for the reader of the log only if the buffer
// is full.
type LogWriter struct {
	to io.Writer

	mu          sync.Mutex
	notFull     sync.Cond
	buffer      []byte
	spareBuffer []byte
	closed      bool
	wake        chan struct{}
	finished    chan struct{}
}

// NewLogWriter returns a writer to w. The caller must close it, which writes the remaining
// lines.
func NewLogWriter(w io.Writer) *LogWriter {
	l := &LogWriter{to: w, wake: make(chan struct{}, 1), finished: make(chan struct{})}
	l.notFull.L = &l.mu
	go l.run()
	return l
}

// Write appends a line to the buffer. After Close it writes the line immediately.
func (l *LogWriter) Write(line []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for len(l.buffer) > maxBuffered && !l.closed {
		l.notFull.Wait()
	}
	if l.closed {
		return l.to.Write(line)
	}
	l.buffer = append(l.buffer, line...)
	select {
	case l.wake <- struct{}{}:
	default:
	}
	return len(line), nil
}

// Close writes all buffered lines.
func (l *LogWriter) Close() {
	l.mu.Lock()
	closed := l.closed
	l.closed = true
	l.notFull.Broadcast()
	l.mu.Unlock()
	if !closed {
		close(l.wake)
	}
	<-l.finished
}

func (l *LogWriter) run() {
	defer close(l.finished)
	for range l.wake {
		l.flush()
		time.Sleep(flushInterval)
	}
	l.flush()
}

// flush writes the buffer.
func (l *LogWriter) flush() {
	l.mu.Lock()
	lines := l.buffer
	l.buffer, l.spareBuffer = l.spareBuffer[:0], nil
	l.notFull.Broadcast()
	l.mu.Unlock()

	_, _ = l.to.Write(lines) // there is no other place to report the error

	l.mu.Lock()
	l.spareBuffer = lines
	l.mu.Unlock()
}
