// Command kubernetes authenticates an ID token as kube-apiserver does that is
// started with --oidc-issuer-url, --oidc-client-id, --oidc-username-claim,
// --oidc-username-prefix=- and --oidc-groups-claim. It prints the user as JSON.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"time"

	"k8s.io/apiserver/pkg/apis/apiserver"
	"k8s.io/apiserver/pkg/authentication/authenticator"
	"k8s.io/apiserver/pkg/server/dynamiccertificates"
	"k8s.io/apiserver/plugin/pkg/authenticator/token/oidc"
)

func main() {
	if err := run(os.Getenv("ISSUER"), os.Getenv("CLIENT_ID"), os.Getenv("ID_TOKEN"), os.Getenv("CA_FILE")); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run(issuer, clientID, token, caFile string) error {
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	ca, err := dynamiccertificates.NewDynamicCAContentFromFile("issuer", caFile)
	if err != nil {
		return err
	}
	authenticator, err := oidc.New(ctx, oidc.Options{
		JWTAuthenticator: apiserver.JWTAuthenticator{
			Issuer: apiserver.Issuer{URL: issuer, Audiences: []string{clientID}},
			ClaimMappings: apiserver.ClaimMappings{
				Username: apiserver.PrefixedClaimOrExpression{Claim: "email", Prefix: new(string)},
				Groups:   apiserver.PrefixedClaimOrExpression{Claim: "groups", Prefix: new(string)},
			},
		},
		CAContentProvider:    ca,
		SupportedSigningAlgs: []string{"RS256"}, // the default of --oidc-signing-algs
	})
	if err != nil {
		return err
	}
	response, err := authenticate(ctx, authenticator, token)
	if err != nil {
		return err
	}
	return json.NewEncoder(os.Stdout).Encode(map[string]any{"user": response.User.GetName(), "groups": response.User.GetGroups()})
}

// authenticate waits until the authenticator has fetched the discovery document,
// which it does in the background.
func authenticate(ctx context.Context, oidc authenticator.Token, token string) (*authenticator.Response, error) {
	for {
		response, ok, err := oidc.AuthenticateToken(ctx, token)
		if ok && err == nil {
			return response, nil
		}
		if err == nil {
			err = errors.New("the token is not one of this issuer")
		}
		if err.Error() != "oidc: authenticator not initialized" {
			return nil, err
		}
		select {
		case <-ctx.Done():
			return nil, err
		case <-time.After(100 * time.Millisecond):
		}
	}
}
