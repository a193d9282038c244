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
	Target string            `help:"Server to start: 'ostiary' is built from this checkout; otherwise the path of a built binary." default:"ostiary"`
	Rounds int               `short:"n" help:"Number of starts." default:"5"`
	Idle   time.Duration     `help:"Idle time before the memory is read." default:"2s"`
	Engine string            `help:"Database engine." enum:"postgres,sqlite" default:"postgres"`
	Env    map[string]string `help:"Setting of the server; may be repeated." placeholder:"KEY=VALUE" mapsep:"none"`
	Out    string            `help:"Append the figures to this file, one JSON object per line." placeholder:"FILE"`
}

// startResult is a line of the file of results.
type startResult struct {
	Target string `json:"target"`
	// FirstAnswer is the time from the start of the process to its first response,
	// the median of all rounds, in milliseconds.
	FirstAnswer float64 `json:"first_answer_ms"`
	IdleMB      float64 `json:"idle_mb"`
	BinaryMB    float64 `json:"binary_mb"`
	// CPU is the processor time at the end of the idle time.
	CPU float64 `json:"cpu_ms"`
}

// Run starts the server repeatedly on a database with a current schema.
func (cmd *startCommand) Run(ctx context.Context, s streams) (err error) {
	const megabyte = 1 << 20
	if cmd.Rounds < 1 {
		return errors.New("invalid --rounds: must be at least 1")
	}
	o := instanceOptions{Engine: cmd.Engine, Env: cmd.Env}
	if cmd.Target != "ostiary" {
		o.Binary = cmd.Target
	}
	server, err := startInstance(ctx, o)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, server.close()) }()
	info, err := os.Stat(server.binary)
	if err != nil {
		return fmt.Errorf("measure the binary: %w", err)
	}
	var startup, cpu, memory []float64
	for range cmd.Rounds {
		if err := server.stop(); err != nil {
			return err
		}
		begin := time.Now()
		if err := server.start(ctx); err != nil {
			return err
		}
		startup = append(startup, ms(time.Since(begin)))
		time.Sleep(cmd.Idle)
		m, err := meter.New(ctx, meter.Config{Server: server.spec.ServerPID})
		if err != nil {
			return fmt.Errorf("measure the server: %w", err)
		}
		reading, err := m.Read(ctx)
		if err != nil {
			return fmt.Errorf("measure the server: %w", err)
		}
		cpu, memory = append(cpu, ms(reading.Server)), append(memory, float64(m.Memory())/megabyte)
	}
	b := startResult{
		Target: cmd.Target, FirstAnswer: median(startup), CPU: median(cpu),
		IdleMB: median(memory), BinaryMB: float64(info.Size()) / megabyte,
	}
	_, err = fmt.Fprintf(s.out, "first response after %.0f ms, %.0f ms of processor time, %.1f MB idle, binary of %.1f MB\n", b.FirstAnswer, b.CPU, b.IdleMB, b.BinaryMB)
	if err != nil {
		return fmt.Errorf("write figures: %w", err)
	}
	return record(cmd.Out, b)
}
