package servertest

import (
	"encoding/json"

	"github.com/ostiary/ostiary/internal/detail"
)

// Authorization details of the types that [DeclareDetails] declares.
const (
	Payment      = `{"type":"payment","amount":"120.50","currency":"EUR","creditor":"Rosa Weber","actions":["initiate","status"]}`
	AccountData  = `{"type":"account_data","accounts":["DE02120300000000202051"],"days":90}`
	ShopSecret   = "shop-secret-shop-secret-shop-sec"
	DetailsTypes = "payment account_data"
)

// PaymentType returns a type that belongs to the resource https://api.example, with sentences in English
// and German.
func PaymentType() *detail.Type {
	return &detail.Type{Name: "payment", Definition: detail.Definition{
		Schema: json.RawMessage(`{"type":"object","required":["amount","currency","creditor","actions"],"properties":{
			"amount":{"type":"string","pattern":"^[0-9]{1,9}[.][0-9]{2}$"},"currency":{"enum":["EUR","USD"]},
			"creditor":{"type":"string","maxLength":70},"reference":{"type":"string","maxLength":140},
			"actions":{"type":"array","uniqueItems":true,"items":{"enum":["initiate","status","cancel"]}}}}`),
		Sentences: map[string]detail.Sentence{
			"en": {
				Title: "Payment", Text: "Pay {amount} {currency} to {creditor}[ with the reference {reference}]. The application may {actions}.",
				Values: map[string]map[string]string{"actions": {"initiate": "start the payment", "status": "see its status", "cancel": "cancel it"}},
			},
			"de": {
				Title: "Zahlung", Text: "{amount} {currency} an {creditor} zahlen[, Verwendungszweck {reference}]. Die Anwendung darf {actions}.",
				Values: map[string]map[string]string{"actions": {"initiate": "die Zahlung auslösen", "status": "ihren Stand sehen", "cancel": "sie abbrechen"}},
			},
		},
		Resource: "https://api.example", Narrowing: map[string]detail.Comparison{"actions": detail.Subset, "amount": detail.AtMost},
	}}
}

// AccountDataType returns a type for any resource, with sentences in English and German.
func AccountDataType() *detail.Type {
	return &detail.Type{Name: "account_data", Definition: detail.Definition{
		Schema: json.RawMessage(`{"type":"object","additionalProperties":false,"required":["accounts"],"properties":{
			"type":{"const":"account_data"},"accounts":{"type":"array","items":{"type":"string"}},"days":{"type":"integer","minimum":1}}}`),
		Sentences: map[string]detail.Sentence{
			"en": {Title: "Account information", Text: "See balance and transactions of {accounts}[ for {days} days]."},
			"de": {Title: "Kontoinformationen", Text: "Saldo und Umsätze von {accounts} sehen[, {days} Tage lang]."},
		},
	}}
}

// DeclareDetails declares the types payment and account_data, and adds the client shop, which asks its
// users and may request both.
func DeclareDetails(s *Server) {
	s.TB.Helper()
	for _, t := range []*detail.Type{PaymentType(), AccountDataType()} {
		if err := t.Check(); err != nil {
			s.TB.Fatal(err)
		}
		t.CreatedAt, t.UpdatedAt = s.Time(), s.Time()
		if err := s.Store.DetailTypes.InsertDetailType(s.TB.Context(), t); err != nil {
			s.TB.Fatal(err)
		}
	}
	s.ImportClient(`{"client_id": "shop", "client_name": "Flower shop", "client_secret": "` + ShopSecret + `", "token_endpoint_auth_method": "client_secret_post",
		"redirect_uris": ["` + RedirectURI + `"], "grant_types": ["authorization_code", "refresh_token", "client_credentials", "` + DeviceGrant + `"],
		"scope": "openid email offline_access api", "audience": ["https://api.example", "https://other.example"],
		"authorization_details_types": ["payment", "account_data"]}`)
}
