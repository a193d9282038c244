package credential_test

import (
	"strings"
	"testing"
	"time"

	"github.com/ostiary/ostiary/internal/credential"
)

// foreign are hashes that other software made. The one of Firebase is the example of its
// documentation, the one of Django is by its PBKDF2PasswordHasher, the one of scrypt is RFC 7914
// §12 in PHC form. Those of argon2 are by argon2-cffi, and the other ones by passlib and by
// Python's hashlib and bcrypt.
var foreign = map[string]struct{ hash, password string }{
	"firebase": {
		"$firescrypt$ln=14,r=8,p=1$42xEC+ixf3L2lw==$lSrfV15cpx95/sZS2W9c9Kp6i/LVgQNDNC/qzrCnh1SAyZvqmZqAjTdn3aoItz+VHjoZilo78198JAdRuid5lQ==$Bw==$jxspr8Ki0RYycVU8zykbdLGjFQ3McFUH0uiiTvC8pVMXAn210wjLNmdZJzxUECKbm0QsEmYUSDzZvpjeJ9WmXA==",
		"user1password",
	},
	"scrypt": {
		"$scrypt$ln=14,r=8,p=1$U29kaXVtQ2hsb3JpZGU$cCO9yzr9c0hGHAbNgf046/2o+7qQT44+qbVD9lRdofLVQylVYT8Pz2LUlwUkKpr55h6F3A1lHkDfzwF7RVdYhw",
		"pleaseletmein",
	},
	"argon2i": {"$argon2i$v=19$m=64,t=3,p=1$c29tZXNhbHRzb21lc2FsdA$w51sDnGUbAVcVTsxSiNNG7N2LYmQNO3hvuuGwK16WkU", "correct horse"},
	"passlib": {"$scrypt$ln=11,r=8,p=1$gDDmfC9lzFlrbW1tDYGQEg$P4LmoxhcOBfoaIWD7rnah4tVGeUi8kkPEM0dOYozMZg", "correct horse"},
	"keycloak": {
		"$pbkdf2-sha256$i=27500,l=64$MDEyMzQ1Njc4OWFiY2RlZg$H5R9LZ0QvKxHLm1Lg0IeQXdtUAa+9gf2NeOZns+WHBTpnlaWE/+JwnJ/2OXEjNPW5EusP1xxGLqEqjWDbIcGlg",
		"correct horse",
	},
	"bcrypt": {"$2b$04$IGZhx62WDibTsSFRztP54OFQjGq/lEVYer938RmkYvsOXH2oZx2/q", "correct horse"},
	"django": {"pbkdf2_sha256$10000$seasalt$FQCNpiZpTb0zub+HBsH6TOwyRxJ19FwvjbweatNmK/Y=", "letmein"},
}

func TestForeignHashes(t *testing.T) {
	t.Parallel()
	h := credential.NewHasher(64, 1, 2, time.Minute)
	for name, tc := range foreign {
		t.Run(name, func(t *testing.T) {
			t.Parallel()

			if err := credential.CheckImportedHash(tc.hash); err != nil {
				t.Fatalf("CheckImportedHash = %v", err)
			}
			if ok, err := h.Verify(t.Context(), tc.hash, tc.password); !ok || err != nil {
				t.Errorf("Verify with the password = %v, %v", ok, err)
			}
			if ok, err := h.Verify(t.Context(), tc.hash, tc.password+"x"); ok || err != nil {
				t.Errorf("Verify with another password = %v, %v", ok, err)
			}
			result, err := h.Check(t.Context(), tc.hash, tc.password)
			if err != nil || !result.OK || !strings.HasPrefix(result.Rehashed, "$argon2id$") {
				t.Errorf("Check = %+v, %v, want the hash renewed", result, err)
			}
			for _, bad := range []string{tc.hash[:len(tc.hash)-20], tc.hash + "\n", tc.hash + "$", strings.Replace(tc.hash, "14,", "30,", 1) + "=x"} {
				if err := credential.CheckImportedHash(bad); err == nil {
					t.Errorf("CheckImportedHash(%q) accepts it", bad)
				}
			}
		})
	}
}
