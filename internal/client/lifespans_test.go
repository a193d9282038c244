package client

import (
	"encoding/json"
	"slices"
	"testing"
	"time"
)

func TestLifespansOfEachGrantType(t *testing.T) {
	t.Parallel()

	for grantType, prefix := range map[string]string{
		GrantAuthorizationCode: "authorization_code_grant", GrantRefreshToken: "refresh_token_grant", GrantDeviceCode: "device_authorization_grant",
		GrantImplicit: "implicit_grant", GrantClientCredentials: "client_credentials_grant", GrantJWTBearer: "jwt_bearer_grant",
	} {
		for suffix, of := range map[string]func(TokenLifespans) Lifespan{
			"access_token":  func(l TokenLifespans) Lifespan { return l.Access },
			"id_token":      func(l TokenLifespans) Lifespan { return l.ID },
			"refresh_token": func(l TokenLifespans) Lifespan { return l.Refresh },
		} {
			member := prefix + "_" + suffix + "_lifespan"
			var m Metadata
			if err := json.Unmarshal([]byte(`{"`+member+`":"2h"}`), &m); err != nil {
				t.Fatal(err)
			}
			want := time.Minute // otherwise
			if slices.Contains(metadataMembers(), member) {
				want = 2 * time.Hour
			}
			if got := of(m.Of(grantType)).Or(time.Minute); got != want {
				t.Errorf("%s: %v, want %v", member, got, want)
			}
		}
	}
	if got := (&Lifespans{}).Of("password"); got != (TokenLifespans{}) {
		t.Errorf("of a grant type that is not: %v", got)
	}
}
