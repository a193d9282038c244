package detail

import (
	"encoding/json"
	"testing"
)

// payment is the type of the example in RFC 9396 §2, with a sentence in two languages.
func payment() *Type {
	return &Type{
		Name: "payment_initiation",
		Definition: Definition{
			Resource: "https://bank.example/payments",
			Schema: json.RawMessage(`{"type":"object","required":["instructedAmount","creditorName"],"properties":{
			"actions":{"type":"array","items":{"enum":["initiate","status","cancel"]}},
			"instructedAmount":{"type":"object","required":["amount","currency"],"properties":{
				"amount":{"type":"string","pattern":"^[0-9]{1,9}([.][0-9]{2})?$"},"currency":{"type":"string","pattern":"^[A-Z]{3}$"}}},
			"creditorName":{"type":"string"},"remittanceInformation":{"type":"string"},"recurring":{"type":"boolean"}}}`),
			Sentences: map[string]Sentence{
				"en": {
					Title: "Payment",
					Text:  "Pay {instructedAmount.amount} {instructedAmount.currency} to {creditorName}[, for {remittanceInformation}][ ({recurring})].[ The application may {actions}.]",
					Values: map[string]map[string]string{
						"actions":   {"initiate": "start the payment", "status": "see its status", "cancel": "cancel it"},
						"recurring": {"true": "each month", "false": "once"},
					},
				},
				"de": {
					Title: "Zahlung",
					Text:  "{instructedAmount.amount} {instructedAmount.currency} an {creditorName} zahlen[, für {remittanceInformation}][ ({recurring})].[ Die Anwendung darf {actions}.]",
					Values: map[string]map[string]string{
						"actions":   {"initiate": "die Zahlung auslösen", "status": "ihren Stand sehen", "cancel": "sie abbrechen"},
						"recurring": {"true": "jeden Monat", "false": "einmal"},
					},
				},
			},
			Narrowing: map[string]Comparison{"actions": Subset, "instructedAmount.amount": AtMost},
		},
	}
}

// reading is a type of the data of an account, for any resource.
func reading() *Type {
	return &Type{
		Name: "account",
		Definition: Definition{
			Schema: json.RawMessage(`{"type":"object","additionalProperties":false,"properties":{
			"type":{"const":"account"},"iban":{"type":"array","items":{"type":"string"}},"days":{"type":"integer"}}}`),
			Sentences: map[string]Sentence{"en": {Title: "Account data", Text: "See the accounts {iban}[ for {days} days]"}},
		},
	}
}

func set() *Set { return NewSet([]*Type{payment(), reading()}) }

func mustParse(tb testing.TB, raw string) List {
	tb.Helper()
	list, err := Parse(raw)
	if err != nil {
		tb.Fatalf("Parse(%s): %v", raw, err)
	}
	return list
}
