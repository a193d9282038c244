package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"time"

	"github.com/ostiary/ostiary/bench/meter"
)

// startCommand measures the start of Ostiary.
type startCommand struct {
	Target string            `help:"'ostiary' is built from this checkout; anything else is a built binary of it." default:"ostiary"`
	Rounds int               `short:"n" help:"How often to start." default:"5"`
	Idle   time.Duration     `help:"How long to leave it alone before its memory is read." default:"2s"`
	Engine string            `help:"Database." enum:"postgres,sqlite" default:"postgres"`
	Env    map[string]string `help:"A setting; may be repeated." placeholder:"KEY=VALUE" mapsep:"none"`
	Out    string            `help:"Append the figures to this file, a JSON object a line." placeholder:"FILE"`
}

// beginning is one line of the file of results.
type beginning struct {
	Target string `json:"target"`
	// FirstAnswer is from the start of the process to the first answer, the median
	// of all rounds, in milliseconds.
	FirstAnswer float64 `json:"first_answer_ms"`
	IdleMB      float64 `json:"idle_mb"`
	BinaryMB    float64 `json:"binary_mb"`
	// CPU is the processor time until then.
	CPU float64 `json:"cpu_ms"`
}

// Run starts the server again and again, on a database that has its schema.
func (cmd *startCommand) Run(ctx context.Context, s streams) (err error) {
	const megabyte = 1 << 20
	if cmd.Rounds < 1 {
		return errors.New("at least one round is needed")
	}
	o := standOptions{Engine: cmd.Engine, Env: cmd.Env}
	if cmd.Target != "ostiary" {
		o.Binary = cmd.Target
	}
	server, err := raise(ctx, o)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, server.close()) }()
	info, err := os.Stat(server.binary)
	if err != nil {
		return fmt.Errorf("measure the binary: %w", err)
	}
	var took, spent, memory []float64
	for range cmd.Rounds {
		if err := server.stop(); err != nil {
			return err
		}
		begin := time.Now()
		if err := server.start(ctx); err != nil {
			return err
		}
		took = append(took, ms(time.Since(begin)))
		time.Sleep(cmd.Idle)
		m, err := meter.New(ctx, meter.Config{Server: server.spec.ServerPID})
		if err != nil {
			return fmt.Errorf("watch the server: %w", err)
		}
		reading, err := m.Read(ctx)
		if err != nil {
			return fmt.Errorf("watch the server: %w", err)
		}
		spent, memory = append(spent, ms(reading.Server)), append(memory, float64(m.Memory())/megabyte)
	}
	b := beginning{
		Target: cmd.Target, FirstAnswer: median(took), CPU: median(spent),
		IdleMB: median(memory), BinaryMB: float64(info.Size()) / megabyte,
	}
	_, err = fmt.Fprintf(s.out, "first answer after %.0f ms, %.0f ms of processor time, %.1f MB idle, binary of %.1f MB\n", b.FirstAnswer, b.CPU, b.IdleMB, b.BinaryMB)
	if err != nil {
		return fmt.Errorf("write figures: %w", err)
	}
	return record(cmd.Out, b)
}
