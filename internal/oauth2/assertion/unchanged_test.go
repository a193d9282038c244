package assertion

// unchanged says that the last change is the one of its number.
type unchanged struct{ version *int64 }

func (u unchanged) Version() (int64, bool) {
	if u.version == nil {
		return 0, true
	}
	return *u.version, true
}
