package resource_test

import (
	"context"
	"fmt"
	"log"
	"net/http"
	"net/http/httptest"
	"time"

	"github.com/ostiary/ostiary/pkg/resource"
)

// A service that accepts signed access tokens and answers GET /orders for those with a scope.
func Example() {
	tokens, err := resource.NewJWT(resource.JWTConfig{Issuer: "https://id.example"})
	if err != nil {
		log.Fatal(err)
	}
	api, err := resource.New(resource.Config{
		Resource: "https://api.example", Tokens: tokens, AuthorizationServers: []string{"https://id.example"}, Scopes: []string{"orders:read"},
	})
	if err != nil {
		log.Fatal(err)
	}
	metadata, err := api.MetadataHandler()
	if err != nil {
		log.Fatal(err)
	}
	orders := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		fmt.Fprintln(w, "orders of", resource.TokenOf(r.Context()).Subject)
	})
	mux := http.NewServeMux()
	mux.Handle("/.well-known/oauth-protected-resource", metadata)
	mux.Handle("GET /orders", api.Require(resource.Need{Scopes: []string{"orders:read"}})(orders))

	w := httptest.NewRecorder()
	mux.ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/orders", nil))
	fmt.Println(w.Code, w.Header().Get("WWW-Authenticate"))
	// Output: 401 Bearer resource_metadata="https://api.example/.well-known/oauth-protected-resource"
}

// Introspection serves opaque tokens, and notices within seconds that a token was revoked.
func ExampleNewIntrospection() {
	tokens, err := resource.NewIntrospection(resource.IntrospectionConfig{
		Issuer: "https://id.example", Authentication: resource.ClientSecret("orders-api", "the secret of orders-api"), CacheFor: 2 * time.Second,
	})
	if err != nil {
		log.Fatal(err)
	}
	api, err := resource.New(resource.Config{Resource: "https://api.example", Tokens: tokens})
	if err != nil {
		log.Fatal(err)
	}
	http.Handle("GET /orders", api.Require(resource.Need{})(http.NotFoundHandler()))
}

// ownTokens is a lookup of a service: tests and services that issue their own tokens implement one.
type ownTokens map[string]*resource.Token

func (t ownTokens) Lookup(_ context.Context, token string) (*resource.Token, error) {
	if found, ok := t[token]; ok {
		return found, nil
	}
	return nil, resource.ErrInactive
}

// A transfer of money needs an authentication with two factors, at most five minutes ago. The client
// repeats its authorization request with the values of the challenge.
func ExampleServer_Authorize() {
	api, err := resource.New(resource.Config{
		Resource: "https://bank.example",
		Tokens: ownTokens{"abc": {
			Subject: "ada", Audience: []string{"https://bank.example"}, Scopes: []string{"transfer"}, ACR: "1", AuthTime: time.Now(),
		}},
	})
	if err != nil {
		log.Fatal(err)
	}
	r := httptest.NewRequest(http.MethodPost, "/transfers", nil)
	r.Header.Set("Authorization", "Bearer abc")
	w := httptest.NewRecorder()
	token, err := api.Authenticate(w.Header(), r)
	if err != nil {
		log.Fatal(err)
	}
	fiveMinutes := 5 * time.Minute
	if err := api.Authorize(token, resource.Need{Scopes: []string{"transfer"}, ACRValues: []string{"2"}, MaxAge: &fiveMinutes}); err != nil {
		resource.WriteError(w, err)
	}
	fmt.Println(w.Code)
	fmt.Println(w.Header().Get("WWW-Authenticate"))
	// Output:
	// 401
	// Bearer error="insufficient_user_authentication", error_description="A stronger authentication of the user is required.", acr_values="2", max_age="300"
}
