import { cookies } from 'next/headers'
import { auth } from '../../auth.js'

// Auth.js ends its own session only; this ends the one at Ostiary as well.
export async function GET() {
  const session = await auth()
  const jar = await cookies()
  jar.delete('authjs.session-token')
  jar.delete('__Secure-authjs.session-token')
  const query = { id_token_hint: session.idToken, post_logout_redirect_uri: process.env.BASE_URL + '/' }
  return Response.redirect(`${process.env.ISSUER}/oauth2/sessions/logout?${new URLSearchParams(query)}`)
}
