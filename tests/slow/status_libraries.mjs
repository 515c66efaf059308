// What a verifier puts around others' libraries: contexts from their packages, DID documents and lists over HTTP. The
// libraries are loaded from the working folder's node_modules (tools/clients.sh).

import { createPublicKey } from 'node:crypto'
import { createRequire } from 'node:module'
import { readFileSync } from 'node:fs'
import { pathToFileURL } from 'node:url'

const require = createRequire(pathToFileURL(process.cwd() + '/'))
export const load = async (name) => import(pathToFileURL(require.resolve(name)))
export const given = () => JSON.parse(readFileSync(0, 'utf8'))

const { DataIntegrityProof } = await load('@digitalbazaar/data-integrity')
const { httpClient } = await load('@digitalbazaar/http-client')
const { defaultDocumentLoader } = await load('@digitalbazaar/vc')
const { default: multikey } = await load('@digitalbazaar/multikey-context')
const { importJWK } = await load('jose')

const SUITES = ['eddsa-rdfc-2022', 'eddsa-jcs-2022', 'ecdsa-rdfc-2019', 'ecdsa-jcs-2019']

// A verifier of each of the four suites; a proof is handed to the one that it names.
export const suites = await Promise.all(
  SUITES.map(async (name) => {
    const suite = await load(`@digitalbazaar/${name}-cryptosuite`)
    return new DataIntegrityProof({ cryptosuite: suite.cryptosuite ?? suite.createVerifyCryptosuite() })
  }),
)

// Whoever reads the documents of one deployment: its DIDs at `origin`, its lists at `served`, which may be a file
// server. Each is fetched once.
export class Verifier {
  constructor({ origin, served }) {
    this.origin = origin
    this.served = served
    this.fetched = new Map()
    this.documentLoader = this.documentLoader.bind(this)
    this.jwk = this.jwk.bind(this)
    this.coseKey = this.coseKey.bind(this)
  }

  // What the libraries of Digital Bazaar ask for everything that a document names.
  async documentLoader(url) {
    return { contextUrl: null, documentUrl: url, document: await this.document(url) }
  }

  async document(url) {
    if (url.startsWith('did:')) return this.ofDid(url)
    if (url === multikey.CONTEXT_URL) return multikey.CONTEXT
    if (url.startsWith(this.origin)) return this.json(this.addressOf(url))
    return (await defaultDocumentLoader(url)).document
  }

  // The DID document, or the verification method that a fragment names, with a context as it stands alone.
  async ofDid(url) {
    const [did, fragment] = url.split('#')
    const path = did.split(':').slice(3).join('/') || '.well-known'
    const document = await this.json(`${this.origin}/${path}/did.json`)
    if (fragment === undefined) return document
    const method = document.verificationMethod.find(({ id }) => id === url)
    if (!document.assertionMethod.includes(url)) throw new Error(`${url} may not sign credentials`)
    return { '@context': multikey.CONTEXT_URL, ...method }
  }

  // The public key that the header of a JWS names by DID URL.
  async jwk(header) {
    const { publicKeyJwk } = await this.ofDid(header.kid)
    return importJWK(publicKeyJwk, header.alg)
  }

  // The same for a COSE message, where the DID URL is bytes.
  async coseKey(message) {
    const { publicKeyJwk } = await this.ofDid(new TextDecoder().decode(message.kid))
    return createPublicKey({ key: publicKeyJwk, format: 'jwk' })
  }

  addressOf(url) {
    if (!url.startsWith(this.origin + '/')) throw new Error(`${url} is a list of somebody else`)
    return this.served + url.slice(this.origin.length)
  }

  // This client reads an answer only where its type is one of JSON.
  async json(address) {
    if (!this.fetched.has(address)) this.fetched.set(address, httpClient.get(address))
    return (await this.fetched.get(address)).data
  }

  async bytes(url, accept) {
    const answer = await fetch(this.addressOf(url), { headers: { accept } })
    if (!answer.ok) throw new Error(`${url}: HTTP ${answer.status}`)
    return new Uint8Array(await answer.arrayBuffer())
  }
}
