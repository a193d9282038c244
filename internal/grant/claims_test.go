package grant

import "testing"

// Readers of JSON take sub for Sub and for ſub, and the last member wins.
func TestAddedClaimsCannotSpellThoseOfTheProtocol(t *testing.T) {
	t.Parallel()

	const added = `{"sub":"a","Sub":"b","SUB":"c","ſub":"d","Exp":9e9,"Nonce":"n","department":"x"}`
	got, err := AddedClaims([]byte(added), ProtocolClaims())
	if err != nil || string(got) != `{"department":"x"}` {
		t.Errorf("AddedClaims(%s) = %s, %v, want the department alone", added, got, err)
	}
}

func TestClaimsOfUsersDoNotReplaceMembersOfIntrospection(t *testing.T) {
	t.Parallel()

	response := Introspection{Active: true, Scope: "openid", Claims: map[string]any{
		"Active": false, "ſcope": "admin", "Username": "root", "department": "x",
	}}
	got, err := response.MarshalJSON()
	if err != nil || string(got) != `{"active":true,"scope":"openid","department":"x"}` {
		t.Errorf("introspection is %s, %v", got, err)
	}
}
