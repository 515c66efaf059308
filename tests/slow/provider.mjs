// An identity provider for tests/slow/test_sign_in.py: the package oidc-provider on loopback, whose people sign in
// by name alone. Its one argument is JSON: {issuer, port, jwks, audience, accounts, seconds, redirect}.
import { createRequire } from "node:module";
import { pathToFileURL } from "node:url";

// The package lies in the working directory, not beside this file.
const installed = createRequire(pathToFileURL(`${process.cwd()}/`));
const { default: Provider } = await import(pathToFileURL(installed.resolve("oidc-provider")));

const { issuer, port, jwks, audience, accounts, seconds, redirect } = JSON.parse(process.argv[2]);

const asking = (id, alg) => ({
  client_id: id,
  application_type: "native",
  token_endpoint_auth_method: "none",
  grant_types: ["authorization_code"],
  response_types: ["code"],
  redirect_uris: [redirect],
  id_token_signed_response_alg: alg,
});

const provider = new Provider(issuer, {
  jwks,
  clients: [
    ...jwks.keys.map(({ alg }) => asking(`console-${alg}`, alg)),
    {
      client_id: "pipeline",
      client_secret: "a secret of the tests, and of nobody else",
      grant_types: ["client_credentials"],
      redirect_uris: [],
      response_types: [],
    },
  ],
  enabledJWA: { idTokenSigningAlgValues: jwks.keys.map(({ alg }) => alg) },
  // What a person is said to be goes into the ID token, and into access tokens of our resource.
  claims: { openid: ["sub"], profile: ["name"], email: ["email"], groups: ["groups"] },
  conformIdTokenClaims: false,
  findAccount: (_, id) => ({ accountId: id, claims: () => ({ sub: id, ...accounts[id] }) }),
  extraTokenClaims: (_, token) => accounts[token.accountId],
  features: {
    devInteractions: { enabled: true },
    clientCredentials: { enabled: true },
    resourceIndicators: {
      enabled: true,
      getResourceServerInfo: (_, __, client) => ({
        audience,
        scope: "operate",
        accessTokenFormat: "jwt",
        accessTokenTTL: seconds,
        jwt: { sign: { alg: client.idTokenSignedResponseAlg } },
      }),
    },
  },
  ttl: { IdToken: seconds },
});

provider.listen(port, "127.0.0.1", () => console.log("ready"));
