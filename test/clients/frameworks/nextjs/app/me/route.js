import { auth } from '../../auth.js'

export async function GET() {
  const session = await auth()
  if (!session) return Response.redirect(process.env.BASE_URL + '/api/auth/signin')
  return Response.json(session.profile)
}
