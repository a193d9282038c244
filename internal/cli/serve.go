package cli

import (
	"context"
	"fmt"
	"log/slog"
	"time"

	"github.com/ostiary/ostiary/internal/config"
	"github.com/ostiary/ostiary/internal/server"
)

// serveCommand runs the server in production.
type serveCommand struct {
	Migrate bool `help:"Apply migrations before starting, under a lock."`
}

// databaseTimeout is how long the server waits for the database when it starts.
const databaseTimeout = 30 * time.Second

// Run serves until ctx ends.
func (cmd *serveCommand) Run(ctx context.Context, s Streams, c *commandLine) error {
	conf, err := c.load(config.ServeRequires()...)
	if err != nil {
		return err
	}
	if err := conf.CheckServe(); err != nil {
		return err
	}
	lines := server.NewLogWriter(s.Err)
	defer lines.Close()
	log := newLog(lines, conf)
	db, err := server.OpenStore(ctx, conf, log)
	if err != nil {
		return err
	}
	defer db.Close()
	if err := db.AwaitDatabase(ctx, databaseTimeout); err != nil {
		return fmt.Errorf("connect to the database: %w", err)
	}
	if cmd.Migrate {
		if _, err := db.Migrate(ctx); err != nil {
			return fmt.Errorf("migrate: %w", err)
		}
	}
	if err := checkSchema(ctx, db, "ostiary migrate up, or serve --migrate"); err != nil {
		return err
	}
	if err := db.CheckRights(ctx); err != nil {
		return err
	}
	a, err := server.New(ctx, server.Options{Config: conf, Store: db, Log: log, Now: now, Version: c.version})
	if err != nil {
		return err
	}
	server.PaceCollector(ctx, now)
	public, err := a.Listen(ctx, conf.Listen, true)
	if err != nil {
		return err
	}
	listeners := []server.Listener{{Listener: public, Handler: a.Public()}}
	if conf.AdminListen != "" && conf.AdminListen != "off" {
		admin, err := a.Listen(ctx, conf.AdminListen, false)
		if err != nil {
			return err
		}
		listeners = append(listeners, server.Listener{Listener: admin, Handler: a.Admin()})
	}
	if conf.MutualTLS.Listen != "" {
		mutual, err := a.ListenMutualTLS(ctx)
		if err != nil {
			return err
		}
		listeners = append(listeners, server.Listener{Listener: mutual, Handler: a.MutualTLS()})
	}
	a.LimitMemory()
	if err := offerSetup(ctx, s, a); err != nil {
		log.LogAttrs(ctx, slog.LevelWarn, "no set-up link", slog.Any("error", err))
	}
	log.LogAttrs(ctx, slog.LevelInfo, "serving",
		slog.String("issuer", conf.Issuer), slog.String("listen", public.Addr().String()),
		slog.String("database", db.Engine()), slog.String("version", c.version))
	return a.Serve(ctx, listeners)
}
