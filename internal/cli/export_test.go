package cli

// What the tests of this package read beside its API.
type (
	APIKeyView     = apiKeyView
	ClientView     = clientView
	EventView      = eventView
	GrantView      = grantView
	HydraReport    = hydraReport
	ImportResult   = importResult
	KeyView        = keyView
	NoticeView     = noticeView
	RefusalView    = refusalView
	SessionView    = sessionView
	Tally          = tally
	UserView       = userView
	WithdrawalView = withdrawalView
)

const PageSize = pageSize

var (
	Align       = printTable
	AuditedActs = auditActions
	Reachable   = dialAddress
)
