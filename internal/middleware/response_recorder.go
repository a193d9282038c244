package middleware

import (
	"io"
	"net/http"
)

// recorder records the status and size of a response.
type recorder struct {
	http.ResponseWriter
	status int
	bytes  int64

	onAnswer func()
	counted  bool // logged as part of a count
}

// record wraps w, or returns w if it is a recorder.
func record(w http.ResponseWriter) *recorder {
	if rec, ok := w.(*recorder); ok {
		return rec
	}
	return &recorder{ResponseWriter: w}
}

// WriteHeader records the final status; 1xx responses precede it.
func (r *recorder) WriteHeader(status int) {
	if r.status == 0 && status >= http.StatusOK {
		r.status = status
		r.begin()
	}
	r.ResponseWriter.WriteHeader(status)
}

// Write counts bytes and implies status 200, like net/http.
func (r *recorder) Write(p []byte) (int, error) {
	if r.status == 0 {
		r.status = http.StatusOK
		r.begin()
	}
	n, err := r.ResponseWriter.Write(p)
	r.bytes += int64(n)
	return n, err
}

// ReadFrom writes all of src, through the buffers of net/http.
func (r *recorder) ReadFrom(src io.Reader) (int64, error) {
	if r.status == 0 {
		r.status = http.StatusOK
		r.begin()
	}
	n, err := io.Copy(r.ResponseWriter, src)
	r.bytes += n
	return n, err
}

// whenAnswered registers a function that is called once, when the response begins.
func (r *recorder) whenAnswered(act func()) {
	earlier := r.onAnswer
	r.onAnswer = func() {
		act()
		if earlier != nil {
			earlier()
		}
	}
}

// begin calls the registered functions.
func (r *recorder) begin() {
	if act := r.onAnswer; act != nil {
		r.onAnswer = nil
		act()
	}
}

// Unwrap gives http.ResponseController access to flushing and deadlines.
func (r *recorder) Unwrap() http.ResponseWriter { return r.ResponseWriter }

// answered reports whether the response has begun.
func (r *recorder) answered() bool { return r.status != 0 }
