// Verifies signatures with the OpenSSL in Node. Reads a list of vectors, and prints a list of booleans.
import { constants, createHmac, createPublicKey, timingSafeEqual, verify } from "node:crypto";
import { readFileSync } from "node:fs";

function isValid({ jwk, algorithm, input, signature }) {
  const [data, signed] = [input, signature].map((text) => Buffer.from(text, "base64url"));
  const [kind, hash] = [algorithm.slice(0, 2), `sha${algorithm.slice(2)}`];
  if (kind === "HS") {
    const tag = createHmac(hash, Buffer.from(jwk.k, "base64url")).update(data).digest();
    return tag.length === signed.length && timingSafeEqual(tag, signed);
  }
  const key = createPublicKey({ key: jwk, format: "jwk" });
  switch (kind) {
    case "RS":
      return verify(hash, data, { key, padding: constants.RSA_PKCS1_PADDING }, signed);
    case "PS": {
      const saltLength = constants.RSA_PSS_SALTLEN_DIGEST;
      return verify(hash, data, { key, padding: constants.RSA_PKCS1_PSS_PADDING, saltLength }, signed);
    }
    case "ES":
      return verify(hash, data, { key, dsaEncoding: "ieee-p1363" }, signed);
    case "Ed":
      return verify(null, data, key, signed);
    default:
      throw new Error(`unknown algorithm ${algorithm}`);
  }
}

const vectors = JSON.parse(readFileSync(0, "utf8"));
console.log(JSON.stringify(vectors.map(isValid)));
