import { createHash, generateKeyPairSync, randomBytes, sign, type KeyObject } from 'node:crypto';
import {
  bits,
  explicit,
  implicit,
  integer,
  octets,
  oid,
  sequence,
  set,
  truth,
  utcTime,
  utf8,
  type Der,
} from './der.js';

const YEARS = 10;
const ECDSA_WITH_SHA256 = sequence(oid('1.2.840.10045.4.3.2'));

function named(organisation: string, name: string): Der {
  const attribute = (type: string, value: string): Der => set(sequence(oid(type), utf8(value)));
  return sequence(attribute('2.5.4.10', organisation), attribute('2.5.4.3', name));
}

/** Names a public key: SHA-1 over its bits, RFC 5280, 4.2.1.2 (1). */
function keyId(publicKey: KeyObject): Buffer {
  // The uncompressed point of P-256 is the end of its SubjectPublicKeyInfo.
  const point = publicKey.export({ type: 'spki', format: 'der' }).subarray(-65);
  return createHash('sha1').update(point).digest();
}

function extension(type: string, content: Der, critical = false): Der {
  return sequence(oid(type), ...(critical ? [truth()] : []), octets(content));
}

interface Subject {
  readonly name: Der;
  readonly publicKey: KeyObject;
  readonly extensions: readonly Der[];
}

/** An X.509 v3 certificate (RFC 5280), signed with ECDSA and SHA-256, in PEM. */
function certificate(subject: Subject, issuer: Der, issuerKey: KeyObject, from: Date): string {
  const to = new Date(from);
  to.setUTCFullYear(to.getUTCFullYear() + YEARS);
  const serial = randomBytes(16);
  serial[0] = (serial[0] & 0x7f) | 0x40;
  const body = sequence(
    explicit(0, integer(Buffer.from([2]))),
    integer(serial),
    ECDSA_WITH_SHA256,
    issuer,
    sequence(utcTime(from), utcTime(to)),
    subject.name,
    subject.publicKey.export({ type: 'spki', format: 'der' }),
    explicit(3, sequence(...subject.extensions)),
  );
  const der = sequence(body, ECDSA_WITH_SHA256, bits(sign('sha256', body, issuerKey)));
  const lines = der.toString('base64').match(/.{1,64}/g) ?? [];
  return ['-----BEGIN CERTIFICATE-----', ...lines, '-----END CERTIFICATE-----', ''].join('\n');
}

/**
 * A key and the chain that vouches for it, for installations without a certificate of their own, as PEM texts. The
 * authority's key is thrown away: readers call such manifests valid, but not trusted.
 */
export function developmentCertificate(now = new Date()): {
  readonly certificates: string;
  readonly key: string;
} {
  const authority = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const signer = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  // A clock that is a little behind must not find the certificate in the future.
  const from = new Date(now.getTime() - 24 * 3600 * 1000);
  const authorityName = named('ZSky Node', 'ZSky Node development authority');
  const authorityId = keyId(authority.publicKey);
  const authorityKeyIdentifier = extension('2.5.29.35', sequence(implicit(0, authorityId)));
  const root = certificate(
    {
      name: authorityName,
      publicKey: authority.publicKey,
      extensions: [
        extension('2.5.29.19', sequence(truth()), true),
        // keyCertSign and cRLSign.
        extension('2.5.29.15', bits(Buffer.from([0x06]), 1), true),
        extension('2.5.29.14', octets(authorityId)),
      ],
    },
    authorityName,
    authority.privateKey,
    from,
  );
  const leaf = certificate(
    {
      name: named('ZSky Node', 'ZSky Node development signer'),
      publicKey: signer.publicKey,
      extensions: [
        extension('2.5.29.19', sequence(), true),
        // digitalSignature.
        extension('2.5.29.15', bits(Buffer.from([0x80]), 7), true),
        // Signing of documents, and of mail for readers that know only that: what C2PA asks of a signer.
        extension('2.5.29.37', sequence(oid('1.3.6.1.5.5.7.3.36'), oid('1.3.6.1.5.5.7.3.4'))),
        extension('2.5.29.14', octets(keyId(signer.publicKey))),
        authorityKeyIdentifier,
      ],
    },
    authorityName,
    authority.privateKey,
    from,
  );
  const key = signer.privateKey.export({ type: 'pkcs8', format: 'pem' }).toString();
  return { certificates: leaf + root, key };
}
