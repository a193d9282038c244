package account

// AddressChangeKind is the kind of an [AddressChange].
type AddressChangeKind int

// The kinds of changes of addresses.
const (
	AddressAdded AddressChangeKind = iota
	AddressVerified
	AddressRemoved
	PrimaryChanged // the new primary address was one of the account before
)

// AddressChange is a change of an email address of an account.
type AddressChange struct {
	Kind    AddressChangeKind
	Address string
}

// AddressChanges returns how the addresses of a differ from those of before. An added address
// that is verified counts as added, and an address that takes the place of a removed primary one
// is no further change.
func AddressChanges(a, before *Account) (list []AddressChange) {
	for _, one := range a.Addresses {
		switch known := before.Address(one.Address); {
		case known == nil:
			list = append(list, AddressChange{AddressAdded, one.Address})
		case known.VerifiedAt.IsZero() && !one.VerifiedAt.IsZero():
			list = append(list, AddressChange{AddressVerified, one.Address})
		}
	}
	for _, one := range before.Addresses {
		if a.Address(one.Address) == nil {
			list = append(list, AddressChange{AddressRemoved, one.Address})
		}
	}
	was, is := before.PrimaryAddress(), a.PrimaryAddress()
	if was != nil && is != nil && a.Address(was.Address) != nil && !sameAddress(was.Address, is.Address) {
		list = append(list, AddressChange{PrimaryChanged, is.Address})
	}
	return list
}
