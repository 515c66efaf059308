// Fresh resolutions of did:key in process. node keys.mjs PEER < {"kind": [did, ...], ...}
// Prints CPU microseconds per resolution, serialised result included, by kind; null where the peer cannot.
// The first half of the DIDs of a kind only warms up.
import { readFileSync } from 'node:fs'
import { Resolver } from 'did-resolver'

const PEERS = {
  'key-did-resolver': async () => {
    const { getResolver } = await import('key-did-resolver')
    const resolver = new Resolver(getResolver())
    return did => resolver.resolve(did)
  },
  'did-method-key': async () => {
    const { driver } = await import('@digitalbazaar/did-method-key')
    const Ed25519Multikey = await import('@digitalbazaar/ed25519-multikey')
    const EcdsaMultikey = await import('@digitalbazaar/ecdsa-multikey')
    const keys = driver()
    keys.use({ multibaseMultikeyHeader: 'z6Mk', fromMultibase: Ed25519Multikey.from })
    for (const header of ['zDna', 'z82L', 'zXwp']) {
      keys.use({ multibaseMultikeyHeader: header, fromMultibase: EcdsaMultikey.from })
    }
    return async did => ({ didDocument: await keys.get({ did }) })
  },
  veramo: async () => {
    const { getDidKeyResolver } = await import('@veramo/did-provider-key')
    const resolver = new Resolver(getDidKeyResolver())
    return did => resolver.resolve(did)
  },
}

async function pass (resolve, dids) {
  const before = process.cpuUsage()
  let bytes = 0
  for (const did of dids) {
    const result = await resolve(did)
    if (!result.didDocument?.id) throw new Error(JSON.stringify(result))
    bytes += JSON.stringify(result).length
  }
  const { user, system } = process.cpuUsage(before)
  return (user + system) / dids.length
}

const resolve = await PEERS[process.argv[2]]()
const figures = {}
for (const [kind, dids] of Object.entries(JSON.parse(readFileSync(0, 'utf8')))) {
  try {
    await pass(resolve, dids.slice(0, dids.length / 2))
    figures[kind] = await pass(resolve, dids.slice(dids.length / 2))
  } catch {
    figures[kind] = null
  }
}
console.log(JSON.stringify(figures))
