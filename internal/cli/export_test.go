package cli

// Unexported declarations that the tests of this package use.
type (
	APIKeyView     = apiKeyView
	ClientView     = clientView
	CredentialView = credentialView
	EmailView      = emailView
	EventView      = eventView
	GrantView      = grantView
	HydraReport    = hydraReport
	ImportResult   = importResult
	UsersReport    = usersReport
	UserReportLine = userReportLine
	KeyView        = keyView
	MailView       = mailView
	NoticeView     = noticeView
	RefusalView    = refusalView
	SessionView    = sessionView
	Tally          = tally
	UserView       = userView
	WithdrawalView = withdrawalView
)

const PageSize = pageSize

var (
	PrintTable   = printTable
	AuditActions = auditActions
	DialAddress  = dialAddress
)
