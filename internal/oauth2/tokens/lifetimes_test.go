package tokens

import (
	"testing"
	"time"

	"github.com/ostiary/ostiary/internal/client"
)

// A grant ends with the last token that can be issued under it.
func TestGrantsEndWithTheirLastToken(t *testing.T) {
	t.Parallel()
	l := &Lifetimes{
		Code: time.Minute, AccessToken: 10 * time.Minute, IDToken: 5 * time.Minute, LongestToken: time.Hour,
		RefreshIdle: 24 * time.Hour, RefreshAbsolute: 30 * 24 * time.Hour,
	}
	now := time.Unix(1_800_000_000, 0)
	for name, tc := range map[string]struct {
		plan           GrantPlan
		idle, absolute time.Duration
	}{
		"code":                  {GrantPlan{CodeLifetime: time.Minute, Code: true}, 11 * time.Minute, 11 * time.Minute},
		"code and access token": {GrantPlan{CodeLifetime: time.Minute, Code: true, AccessToken: true}, 11 * time.Minute, 11 * time.Minute},
		"access token":          {GrantPlan{AccessToken: true}, 10 * time.Minute, 10 * time.Minute},
		"ID token":              {GrantPlan{}, 5 * time.Minute, 5 * time.Minute},
		"device code":           {GrantPlan{GrantType: client.GrantDeviceCode, CodeLifetime: 10 * time.Minute, Code: true}, 20 * time.Minute, 20 * time.Minute},
		"refresh token":         {GrantPlan{CodeLifetime: time.Minute, Code: true, Refresh: true}, 24 * time.Hour, 30 * 24 * time.Hour},
	} {
		idle, absolute := l.GrantEnd(&client.Client{}, tc.plan, now)
		if idle.Sub(now) != tc.idle || absolute.Sub(now) != tc.absolute {
			t.Errorf("%s: ends after %v or %v, want %v or %v", name, idle.Sub(now), absolute.Sub(now), tc.idle, tc.absolute)
		}
	}
	l.RefreshAbsolute = time.Hour
	if idle, absolute := l.GrantEnd(&client.Client{}, GrantPlan{Refresh: true}, now); !idle.Equal(absolute) {
		t.Errorf("an unused grant ends at %v, after its end at %v", idle, absolute)
	}
}
