import {
  createHash,
  generateKeyPairSync,
  randomBytes,
  sign,
  X509Certificate,
  type KeyObject,
} from 'node:crypto';
import { AsnConvert, OctetString } from '@peculiar/asn1-schema';
import {
  AlgorithmIdentifier,
  AttributeTypeAndValue,
  AttributeValue,
  AuthorityKeyIdentifier,
  BasicConstraints,
  Certificate,
  ExtendedKeyUsage,
  Extension,
  Extensions,
  id_ce_authorityKeyIdentifier,
  id_ce_basicConstraints,
  id_ce_extKeyUsage,
  id_ce_keyUsage,
  id_ce_subjectKeyIdentifier,
  id_kp_emailProtection,
  KeyIdentifier,
  KeyUsage,
  KeyUsageFlags,
  Name,
  RelativeDistinguishedName,
  SubjectKeyIdentifier,
  SubjectPublicKeyInfo,
  TBSCertificate,
  Validity,
  Version,
} from '@peculiar/asn1-x509';

const YEARS = 10;
const ECDSA_WITH_SHA256 = new AlgorithmIdentifier({ algorithm: '1.2.840.10045.4.3.2' });
/** Signing of documents, RFC 9336. */
const DOCUMENT_SIGNING = '1.3.6.1.5.5.7.3.36';

/** The library takes whole buffers; Node.js cuts small ones from a shared one. */
const whole = (bytes: Uint8Array): ArrayBuffer => new Uint8Array(bytes).buffer;

function named(commonName: string): Name {
  const attribute = (type: string, utf8String: string): RelativeDistinguishedName =>
    new RelativeDistinguishedName([
      new AttributeTypeAndValue({ type, value: new AttributeValue({ utf8String }) }),
    ]);
  return new Name([attribute('2.5.4.10', 'ZSky Node'), attribute('2.5.4.3', commonName)]);
}

function publicKeyInfo(key: KeyObject): SubjectPublicKeyInfo {
  return AsnConvert.parse(whole(key.export({ type: 'spki', format: 'der' })), SubjectPublicKeyInfo);
}

/** Names a public key: SHA-1 over its bits, RFC 5280, 4.2.1.2 (1). */
function keyId(key: KeyObject): ArrayBuffer {
  const { subjectPublicKey } = publicKeyInfo(key);
  return whole(createHash('sha1').update(new Uint8Array(subjectPublicKey)).digest());
}

function extension(extnID: string, value: object, critical = false): Extension {
  return new Extension({ extnID, critical, extnValue: new OctetString(AsnConvert.serialize(value)) });
}

interface Subject {
  readonly name: Name;
  readonly publicKey: KeyObject;
  readonly extensions: readonly Extension[];
}

/** An X.509 v3 certificate (RFC 5280), signed with ECDSA and SHA-256, in PEM. */
function certificate(subject: Subject, issuer: Name, issuerKey: KeyObject, notBefore: Date): string {
  const notAfter = new Date(notBefore);
  notAfter.setUTCFullYear(notAfter.getUTCFullYear() + YEARS);
  const serial = randomBytes(16);
  // Positive, and of the same length in every certificate.
  serial[0] = (serial[0] & 0x7f) | 0x40;
  const tbsCertificate = new TBSCertificate({
    version: Version.v3,
    serialNumber: whole(serial),
    signature: ECDSA_WITH_SHA256,
    issuer,
    validity: new Validity({ notBefore, notAfter }),
    subject: subject.name,
    subjectPublicKeyInfo: publicKeyInfo(subject.publicKey),
    extensions: new Extensions([...subject.extensions]),
  });
  const signature = sign('sha256', new Uint8Array(AsnConvert.serialize(tbsCertificate)), issuerKey);
  const signed = new Certificate({
    tbsCertificate,
    signatureAlgorithm: ECDSA_WITH_SHA256,
    signatureValue: whole(signature),
  });
  return new X509Certificate(new Uint8Array(AsnConvert.serialize(signed))).toString();
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
  const authorityName = named('ZSky Node development authority');
  const authorityId = keyId(authority.publicKey);
  const root = certificate(
    {
      name: authorityName,
      publicKey: authority.publicKey,
      extensions: [
        extension(id_ce_basicConstraints, new BasicConstraints({ cA: true }), true),
        extension(id_ce_keyUsage, new KeyUsage(KeyUsageFlags.keyCertSign | KeyUsageFlags.cRLSign), true),
        extension(id_ce_subjectKeyIdentifier, new SubjectKeyIdentifier(authorityId)),
      ],
    },
    authorityName,
    authority.privateKey,
    from,
  );
  const leaf = certificate(
    {
      name: named('ZSky Node development signer'),
      publicKey: signer.publicKey,
      extensions: [
        extension(id_ce_basicConstraints, new BasicConstraints(), true),
        extension(id_ce_keyUsage, new KeyUsage(KeyUsageFlags.digitalSignature), true),
        // What C2PA asks of a signer: documents, and mail for readers that know only that.
        extension(id_ce_extKeyUsage, new ExtendedKeyUsage([DOCUMENT_SIGNING, id_kp_emailProtection])),
        extension(id_ce_subjectKeyIdentifier, new SubjectKeyIdentifier(keyId(signer.publicKey))),
        extension(
          id_ce_authorityKeyIdentifier,
          new AuthorityKeyIdentifier({ keyIdentifier: new KeyIdentifier(authorityId) }),
        ),
      ],
    },
    authorityName,
    authority.privateKey,
    from,
  );
  const key = signer.privateKey.export({ type: 'pkcs8', format: 'pem' }).toString();
  return { certificates: leaf + root, key };
}
