package limits

import (
	"bufio"
	"io"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/ostiary/ostiary/internal/store/storetest"
)

// gatherFigures returns a function that checks each limit, and the number of limits
// by name.
func gatherFigures(t *testing.T) (func(Limit) error, map[string]int) {
	t.Helper()
	names := map[string]int{}
	return func(l Limit) error {
		names[l.Name]++
		if l.PerSecond <= 0 || l.Callers == 0 {
			t.Errorf("%+v is not positive", l)
		}
		return nil
	}, names
}

func TestDatabaseIsMeasuredAtEachCallerCount(t *testing.T) {
	t.Parallel()
	each, names := gatherFigures(t)
	if err := Database(t.Context(), storetest.PostgresURL(t), 20*time.Millisecond, each); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"INSERT of a row", "INSERT of a row, coalesced", "SELECT by primary key"} {
		if names[name] != len(callerCounts()) {
			t.Errorf("%s was measured %d times, want %d", name, names[name], len(callerCounts()))
		}
	}
}

func TestHelloIsMeasuredAtEachCallerCount(t *testing.T) {
	t.Parallel()
	stdin, closeStdin := io.Pipe()
	output, stdout := io.Pipe()
	served := make(chan error, 1)
	go func() { served <- ServeHello(t.Context(), stdin, stdout) }()
	address, err := bufio.NewReader(output).ReadString('\n')
	if err != nil {
		t.Fatal(err)
	}
	each, names := gatherFigures(t)
	if err := Hello(t.Context(), strings.TrimSpace(address), os.Getpid(), 20*time.Millisecond, each); err != nil {
		t.Error(err)
	}
	if names["HTTP hello"] != len(callerCounts()) {
		t.Errorf("measured %d times", names["HTTP hello"])
	}
	closeStdin.Close()
	if err := <-served; err != nil {
		t.Error(err)
	}
}
