package pages

// AccountAddresses lists the email addresses of the user. Its forms post email, to add one, or
// verify, primary or remove with an address of the list.
type AccountAddresses struct {
	Form

	Action    string
	Addresses []AddressRow
	Email     string // as the user entered it
	Full      bool   // no further address can be added
}

func (AccountAddresses) template() string { return "account-addresses" }

// AddressRow is an email address in a list. MayVerify and MayBePrimary offer these actions.
type AddressRow struct {
	Address                 string
	Verified, Primary       bool
	MayVerify, MayBePrimary bool
}
