package middleware

import (
	"io"
	"net/http"
)

// recorder remembers what was answered.
type recorder struct {
	http.ResponseWriter
	status int
	bytes  int64

	onAnswer func()
	counted  bool // in the log, rather than told one by one
}

// record wraps w, or is w if it records already.
func record(w http.ResponseWriter) *recorder {
	if rec, ok := w.(*recorder); ok {
		return rec
	}
	return &recorder{ResponseWriter: w}
}

// WriteHeader notes the final status; 1xx answers come before it.
func (r *recorder) WriteHeader(status int) {
	if r.status == 0 && status >= http.StatusOK {
		r.status = status
		r.begin()
	}
	r.ResponseWriter.WriteHeader(status)
}

// Write counts bytes and implies 200, as net/http does.
func (r *recorder) Write(p []byte) (int, error) {
	if r.status == 0 {
		r.status = http.StatusOK
		r.begin()
	}
	n, err := r.ResponseWriter.Write(p)
	r.bytes += int64(n)
	return n, err
}

// ReadFrom is Write of all of src, through the buffers that net/http keeps for it.
func (r *recorder) ReadFrom(src io.Reader) (int64, error) {
	if r.status == 0 {
		r.status = http.StatusOK
		r.begin()
	}
	n, err := io.Copy(r.ResponseWriter, src)
	r.bytes += n
	return n, err
}

// whenAnswered has act called, once, when the answer begins.
func (r *recorder) whenAnswered(act func()) {
	earlier := r.onAnswer
	r.onAnswer = func() {
		act()
		if earlier != nil {
			earlier()
		}
	}
}

// begin does what is to be done when the answer begins.
func (r *recorder) begin() {
	if act := r.onAnswer; act != nil {
		r.onAnswer = nil
		act()
	}
}

// Unwrap lets http.ResponseController reach flushing and deadlines.
func (r *recorder) Unwrap() http.ResponseWriter { return r.ResponseWriter }

// answered reports whether anything has been sent.
func (r *recorder) answered() bool { return r.status != 0 }
