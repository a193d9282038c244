import { auth } from '../auth.js'

export const GET = async () => new Response((await auth()) ? 'signed in' : 'signed out')
