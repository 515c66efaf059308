// From a status change to the signed bytes of a status list.
//   node publishing.mjs PEER < {"length": entries, "set": [index, ...], "change": [index, ...]}
// Prints CPU microseconds per publication, one for each index of "change", after two seconds of others to warm up.
import { readFileSync } from 'node:fs'

const ISSUER = 'did:web:peer.example'
const METHOD = `${ISSUER}#key-1`
const URL = 'https://peer.example/status-lists/diplomas'
const DAY = 86_400
const WARM_UP_MS = 2_000

const PEERS = {
  // What its interface offers: the list is kept, and encoded, described and signed for each change.
  digitalbazaar: async ({ length, set }) => {
    const { createCredential, createList } = await import('@digitalbazaar/vc-bitstring-status-list')
    const { DataIntegrityProof } = await import('@digitalbazaar/data-integrity')
    const { cryptosuite } = await import('@digitalbazaar/eddsa-rdfc-2022-cryptosuite')
    const Ed25519Multikey = await import('@digitalbazaar/ed25519-multikey')
    const vc = await import('@digitalbazaar/vc')
    const key = await Ed25519Multikey.generate({ id: METHOD, controller: ISSUER })
    const suite = new DataIntegrityProof({ signer: key.signer(), cryptosuite })
    const list = await createList({ length })
    for (const index of set) list.setStatus(index, true)
    return async index => {
      list.setStatus(index, true)
      const credential = await createCredential({ id: URL, list, statusPurpose: 'revocation' })
      credential.issuer = ISSUER
      credential.validFrom = new Date(Date.now() - 60_000).toISOString()
      credential.validUntil = new Date(Date.now() + DAY * 1_000).toISOString()
      return JSON.stringify(await vc.issue({ credential, suite }))
    }
  },
  'sd-jwt': async ({ length, set }) => {
    const { StatusList, createHeaderAndPayload } = await import('@sd-jwt/jwt-status-list')
    const { SignJWT, generateKeyPair } = await import('jose')
    const { privateKey } = await generateKeyPair('EdDSA')
    const list = new StatusList(new Array(length).fill(0), 1)
    for (const index of set) list.setStatus(index, 1)
    return async index => {
      list.setStatus(index, 1)
      const iat = Math.floor(Date.now() / 1_000)
      const claims = { iss: ISSUER, sub: URL, iat, exp: iat + DAY, ttl: 300 }
      const { header, payload } = createHeaderAndPayload(list, claims, { alg: 'EdDSA', kid: METHOD })
      return new SignJWT(payload).setProtectedHeader(header).sign(privateKey)
    }
  },
}

async function pass (publish, changes) {
  const before = process.cpuUsage()
  let bytes = 0
  for (const index of changes) bytes += (await publish(index)).length
  if (bytes < changes.length * 1_000) throw new Error('these cannot be signed lists')
  const { user, system } = process.cpuUsage(before)
  return (user + system) / changes.length
}

const given = JSON.parse(readFileSync(0, 'utf8'))
const publish = await PEERS[process.argv[2]](given)
const warm = Date.now() + WARM_UP_MS
while (Date.now() < warm) await pass(publish, given.set.slice(0, 10))
console.log(await pass(publish, given.change))
