// An independent verifier, with others' libraries alone: does it accept these credentials, and if not, why? Takes JSON
// on standard input: { origin, credential?, sdJwt? } -> { credential?: "accepted" or why not, sdJwt?: likewise }

import { given, load, suites, Verifier } from './status_libraries.mjs'

const vc = await load('@digitalbazaar/vc')
const { checkStatus } = await load('@digitalbazaar/vc-bitstring-status-list')
const { SDJwtVcInstance } = await load('@sd-jwt/sd-jwt-vc')
const { digest } = await load('@sd-jwt/crypto-nodejs')
const { compactVerify } = await load('jose')

const { origin, credential, sdJwt } = given()
const verifier = new Verifier({ origin, served: origin })

async function judgeCredential() {
  const { documentLoader } = verifier
  const { verified, error, statusResult } = await vc.verifyCredential({ credential, suite: suites, documentLoader, checkStatus })
  if (!verified) throw statusResult?.error ?? error
  const marked = statusResult.results.filter(({ status }) => status)
  if (marked.length) throw new Error(marked.map((of) => of.credentialStatus.statusPurpose).join())
}

// The library fetches the list itself, and looks at the type of the answer.
async function judgeSdJwt() {
  const verify = async (data, signature) => Boolean(await compactVerify(`${data}.${signature}`, verifier.jwk))
  await new SDJwtVcInstance({ verifier: verify, hasher: digest }).verify(sdJwt)
}

const judge = (judging) => judging().then(() => 'accepted', (error) => error.message)
const judged = {}
if (credential) judged.credential = await judge(judgeCredential)
if (sdJwt) judged.sdJwt = await judge(judgeSdJwt)
console.log(JSON.stringify(judged))
