package server

import (
	"io"
	"sync"
	"time"
)

const (
	// logPause is how long lines gather after some were written. It is also what a
	// process that is killed takes along.
	flushInterval = 5 * time.Millisecond
	// logMost bounds what gathers, in bytes, while nobody reads the log.
	maxBuffered = 1 << 20
)

// logWriter writes a log from a goroutine of its own: the first line at once, and
// what comes soon after it together. Requests pay for no system call, and do not
// stand still with whoever reads the log, until a bound is reached.
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

// newLogWriter returns a writer to w. It has to be closed, which writes the rest.
func NewLogWriter(w io.Writer) *LogWriter {
	l := &LogWriter{to: w, wake: make(chan struct{}, 1), finished: make(chan struct{})}
	l.notFull.L = &l.mu
	go l.run()
	return l
}

// Write takes one line. After Close it is written at once.
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

// Close returns when every line is written.
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

// flush writes what has gathered.
func (l *LogWriter) flush() {
	l.mu.Lock()
	lines := l.buffer
	l.buffer, l.spareBuffer = l.spareBuffer[:0], nil
	l.notFull.Broadcast()
	l.mu.Unlock()

	_, _ = l.to.Write(lines) // a log that cannot be written has nowhere to say so

	l.mu.Lock()
	l.spareBuffer = lines
	l.mu.Unlock()
}
