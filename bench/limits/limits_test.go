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

// gatherFigures returns what takes the figures, and the names of those: each must be positive.
func gatherFigures(t *testing.T) (func(Limit) error, map[string]int) {
	t.Helper()
	names := map[string]int{}
	return func(l Limit) error {
		names[l.Name]++
		if l.PerSecond <= 0 || l.Callers == 0 {
			t.Errorf("%+v is no figure", l)
		}
		return nil
	}, names
}

func TestDatabaseIsMeasuredAtEachCrowd(t *testing.T) {
	t.Parallel()
	each, names := gatherFigures(t)
	if err := Database(t.Context(), storetest.PostgresURL(t), 20*time.Millisecond, each); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"INSERT of a row", "INSERT of a row, coalesced", "SELECT by primary key"} {
		if names[name] != len(crowds()) {
			t.Errorf("%s was measured %d times, want %d", name, names[name], len(crowds()))
		}
	}
}

func TestHelloIsMeasuredAtEachCrowd(t *testing.T) {
	t.Parallel()
	stop, ends := io.Pipe()
	said, says := io.Pipe()
	served := make(chan error, 1)
	go func() { served <- ServeHello(t.Context(), stop, says) }()
	address, err := bufio.NewReader(said).ReadString('\n')
	if err != nil {
		t.Fatal(err)
	}
	each, names := gatherFigures(t)
	if err := Hello(t.Context(), strings.TrimSpace(address), os.Getpid(), 20*time.Millisecond, each); err != nil {
		t.Error(err)
	}
	if names["HTTP hello"] != len(crowds()) {
		t.Errorf("measured %d times", names["HTTP hello"])
	}
	ends.Close()
	if err := <-served; err != nil {
		t.Error(err)
	}
}
