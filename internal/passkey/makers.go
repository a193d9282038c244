package passkey

import "encoding/hex"

// defaultLabel is the name of a passkey whose maker is unknown.
const defaultLabel = "Passkey"

// Maker returns the name of the authenticator with the AAGUID, or "Passkey" if it is unknown.
//
// Spec: Web Authentication Level 3 §6.5.1 (attested credential data).
func Maker(aaguid []byte) string {
	switch hex.EncodeToString(aaguid) {
	case "fbfc3007154e4ecc8c0b6e020557d7bd", "dd4ec289e01d41c9bb8970fa845d4bf2":
		return "Apple Passwords"
	case "ea9b8d664d011d213ce4b6b48cb575d4":
		return "Google Password Manager"
	case "adce000235bcc60a648b0b25f1f05503":
		return "Chrome on Mac"
	case "08987058cadc4b81b6e130de50dcbe96", "9ddd1817af5a4672a2b93e3dd95000a9", "6028b017b1d44c02b4b3afcdafc96bb2":
		return "Windows Hello"
	case "bada5566a7aa401fbd9645619a55120d":
		return "1Password"
	case "d548826e79b4db40a3d811116f7e8349":
		return "Bitwarden"
	case "531126d6e717415c93203d9aa6981239":
		return "Dashlane"
	case "50726f746f6e5061737350726f746f6e":
		return "Proton Pass"
	case "fdb141b25d84443e8a354698c205a502":
		return "KeePassXC"
	case "b84e404815dc4dd08640f4f60813c8af":
		return "NordPass"
	case "0ea242b443c44a1b8b17dd6d0b6baec6":
		return "Keeper"
	case "f38095407f1449c1a8b38f813b225541":
		return "Enpass"
	case "53414d53554e47000000000000000000":
		return "Samsung Pass"
	case "cb69481e8ff7403993ec0a2729a154a8", "ee882879721c491397753dfcce97072a", "fa2b99dc9e3942578f924a30d23c4118",
		"2fc0579f811347eab116bb5a8db9202a", "c5ef55ffad9a4b9fb580adebafe026d0":
		return "YubiKey 5"
	default:
		return defaultLabel
	}
}
