package dev

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"time"

	"github.com/ostiary/ostiary/internal/account"
	"github.com/ostiary/ostiary/internal/client"
	"github.com/ostiary/ostiary/internal/dev/demo"
	"github.com/ostiary/ostiary/internal/manage"
	"github.com/ostiary/ostiary/internal/server"
)

// demoClient is the demo application's registration.
type demoClient struct {
	ID     string `json:"client_id"`
	Secret string `json:"client_secret"`
}

// demoUser is the demo user with its password.
type demoUser struct {
	Username string `json:"username"`
	Password string `json:"password"`
}

// seed creates the demo application, the demo user, the imported records, and the setup link.
func (d *devServer) seed(ctx context.Context) error {
	for _, step := range []func(context.Context) error{d.addDemoClient, d.addDemoUser, d.importFiles, d.addSetupLink} {
		if err := step(ctx); err != nil {
			return err
		}
	}
	return nil
}

func (d *devServer) addDemoClient(ctx context.Context) error {
	secret, err := d.data.secret("demo_client_secret")
	if err != nil {
		return err
	}
	d.demo = demoClient{ID: client.DemoID, Secret: secret}
	entry := demo.Metadata(d.demoURL)
	entry["client_id"], entry["client_secret"] = d.demo.ID, d.demo.Secret
	text, err := json.Marshal([]any{entry})
	if err != nil {
		return fmt.Errorf("demo client: %w", err)
	}
	if err := d.importClients(ctx, text); err != nil {
		return fmt.Errorf("demo client: %w", err)
	}
	return nil
}

// addDemoUser creates the demo user, once: a deleted demo user is not created again.
func (d *devServer) addDemoUser(ctx context.Context) error {
	content, err := d.data.loadOrCreate("demo_person.json", func() ([]byte, error) {
		user := demoUser{Username: "demo", Password: manage.NewPassword()}
		hash, err := d.server.Hasher.Hash(ctx, user.Password)
		if err != nil {
			return nil, fmt.Errorf("hash demo password: %w", err)
		}
		at := time.Now()
		a := &account.Account{
			Subject: account.NewSubject(), Username: user.Username, CreatedAt: at, UpdatedAt: at,
		}
		if err := a.SetClaims(demoClaims(at), nil, at); err != nil {
			return nil, fmt.Errorf("create demo user: %w", err)
		}
		a.SetPassword(hash, at)
		err = d.server.Store.Accounts.InsertAccount(ctx, a)
		if errors.Is(err, account.ErrExists) {
			return nil, errors.New("the database has a user demo, but the data directory has no demo_person.json with its password: delete one of them")
		}
		if err != nil {
			return nil, fmt.Errorf("create demo user: %w", err)
		}
		return json.MarshalIndent(user, "", "  ") //nolint:gosec // the file contains the password of the demo user
	})
	if err != nil {
		return err
	}
	if err := json.Unmarshal(content, &d.demoUser); err != nil {
		return fmt.Errorf("data file demo_person.json: %w", err)
	}
	return nil
}

// demoClaims contain every standard claim (OpenID Connect Core section 5.1), groups and roles,
// so that each default scope releases a claim.
func demoClaims(at time.Time) map[string]any {
	return map[string]any{
		"name": "Demo Person", "given_name": "Demo", "family_name": "Person", "middle_name": "M.", "nickname": "Dee",
		"preferred_username": "demo", "profile": "https://example.com/demo", "picture": "https://example.com/demo.png",
		"website": "https://example.com", "gender": "other", "birthdate": "1990-01-31",
		"zoneinfo": "Europe/Berlin", "updated_at": at.Unix(),
		"email": "demo@example.com", "email_verified": true,
		"phone_number": "+49 30 123456", "phone_number_verified": false,
		"address": map[string]any{
			"formatted": "1 Gate Street\n10115 Berlin\nGermany", "street_address": "1 Gate Street",
			"postal_code": "10115", "locality": "Berlin", "country": "Germany",
		},
		"groups": []string{"staff", "demo"}, "roles": []string{"editor"},
	}
}

func (d *devServer) importFiles(ctx context.Context) error {
	for file, importer := range map[string]func(context.Context, []byte) error{
		d.Clients: d.importClients,
		d.Users: func(ctx context.Context, text []byte) error {
			_, _, err := server.NewUserImporter(d.server.Store, d.server.Hasher).Import(ctx, text)
			return err
		},
	} {
		if file == "" {
			continue
		}
		text, err := os.ReadFile(file) //nolint:gosec // the path is from the command line
		if err != nil {
			return fmt.Errorf("import: %w", err)
		}
		if err := importer(ctx, text); err != nil {
			return fmt.Errorf("import %s: %w", file, err)
		}
	}
	return nil
}

func (d *devServer) importClients(ctx context.Context, text []byte) error {
	importer, err := server.NewClientImporter(d.server.Config, d.server.Store, d.server.Hasher)
	if err != nil {
		return err
	}
	_, _, err = importer.Import(ctx, text)
	return err
}

// addSetupLink creates a setup link if there is no administrator.
func (d *devServer) addSetupLink(ctx context.Context) (err error) {
	d.setupURL, err = server.NewSetupLinks(d.server.Config, d.server.Store).Link(ctx)
	if errors.Is(err, manage.ErrHasAdministrator) {
		return nil
	}
	return err
}
