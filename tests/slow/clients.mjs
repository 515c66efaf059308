// Clients of Universal Resolver, unchanged, against the server whose URL is the first argument; the second is the
// server's own DID. Run from a folder whose node_modules has them (tools/clients.sh).

import assert from 'node:assert/strict'
import { createRequire } from 'node:module'
import { pathToFileURL } from 'node:url'

const require = createRequire(pathToFileURL(process.cwd() + '/'))
const load = async (name) => import(pathToFileURL(require.resolve(name)))

const [url, own] = process.argv.slice(2)
const identifiers = url + '/1.0/identifiers/'
const ed25519 = 'did:key:z6MkhaXgBZDvotDkL5257faiztiGiC2QtKLGpbnnEGta2doK'
const p256 = 'did:key:zDnaerDaTF5BXEavCrfRZEk316dpbLsfPDZ3WJ5hRTPFU2169'
const method = `${ed25519}#${ed25519.slice(8)}`

const { Resolver } = await load('did-resolver')
const { getUniversalResolverFor, UniversalResolver } = await load('@veramo/did-resolver')
const { UniResolver, getUniResolver } = await load('@sphereon/did-uni-client')

async function veramo() {
  const registry = getUniversalResolverFor(['key', 'web', 'jwk', 'nope'], identifiers)
  for (const resolver of [new Resolver(registry), new Resolver(registry, { cache: true })]) {
    for (const did of [ed25519, p256, own]) {
      const result = await resolver.resolve(did)
      assert.equal(result.didResolutionMetadata.error, undefined)
      assert.equal(result.didResolutionMetadata.contentType, 'application/did+ld+json')
      assert.equal(result.didDocument.id, did)
      assert.ok(result.didDocument.verificationMethod[0].controller, did)
      assert.deepEqual(result.didDocumentMetadata, {})
    }
    for (const [did, error] of [
      ['did:key:bad', 'invalidDid'],
      ['did:web:127.0.0.1', 'invalidDid'],
      [own + ':nobody', 'notFound'],
      ['did:nope:x', 'methodNotSupported'],
    ]) {
      assert.equal((await resolver.resolve(did)).didResolutionMetadata.error, error, did)
    }
    assert.equal((await resolver.resolve(method)).didDocument.id, ed25519)
  }
  assert.equal((await new UniversalResolver({ url: identifiers })(ed25519)).didDocument.id, ed25519)
}

async function sphereon() {
  const client = new UniResolver({ resolveURL: identifiers.slice(0, -1) })
  for (const did of [ed25519, p256, own]) {
    assert.equal((await client.resolve(did)).didDocument.id, did)
  }
  await assert.rejects(client.resolve('did:web:127.0.0.1'), /INVALID_DID/)
  const driver = new Resolver(getUniResolver('key', { resolveUrl: identifiers.slice(0, -1) }))
  assert.equal((await driver.resolve(ed25519)).didDocument.id, ed25519)
}

// What the web page of Universal Resolver asks, and the members it reads: ResolverInput.jsx of its frontend.
async function page() {
  const ask = async (input, options) => {
    const isResolve = !(input.includes('/') || input.includes('?'))
    const profile = isResolve ? 'did-resolution' : 'did-url-dereferencing'
    const headers = { Accept: `application/ld+json;profile="https://w3id.org/${profile}"` }
    const query = options && '?' + encodeURIComponent(JSON.stringify(options))
    const target = identifiers + (options ? encodeURIComponent(input) + query : input)
    const response = await fetch(target, { headers, redirect: 'manual' })
    return { status: response.status, cors: response.headers.get('access-control-allow-origin'), ...(await response.json()) }
  }
  const resolved = await ask(ed25519)
  assert.deepEqual([resolved.status, resolved.cors, resolved.didDocument.id], [200, '*', ed25519])
  const formatted = await ask(p256, { publicKeyFormat: 'JsonWebKey', noCache: true })
  assert.equal(formatted.didDocument.verificationMethod[0].type, 'JsonWebKey')
  const refused = await ask('did:web:127.0.0.1')
  assert.deepEqual([refused.status, refused.didResolutionMetadata.error], [400, 'invalidDid'])
  assert.ok(refused.didResolutionMetadata.errorMessage)
  const selected = await ask(ed25519 + '?service=files')
  assert.deepEqual([selected.status, selected.content.service], [200, []])
  const nothing = await ask(ed25519 + '?unknown=files')
  assert.deepEqual([nothing.status, nothing.dereferencingMetadata.error, nothing.content], [404, 'notFound', null])
  const unknown = await ask(ed25519, { unknown: 1 })
  assert.deepEqual([unknown.status, unknown.didResolutionMetadata.error], [501, 'featureNotSupported'])
}

for (const client of [veramo, sphereon, page]) {
  await client()
  console.log(client.name, 'ok')
}
