import { X509Certificate } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Reader } from '@contentauth/c2pa-node';
import sharp from 'sharp';
import { afterAll, describe, expect, test } from 'vitest';
import { openCredentialSigner, unsigned } from './credential-signer.js';
import { developmentCertificate } from './development-certificate.js';
import { signingIdentity } from './signing-identity.js';

const folder = mkdtempSync(join(tmpdir(), 'credentials-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const ON = { credentials: 'on', credentialsCertificate: undefined, credentialsKey: undefined } as const;
const FACTS = { pack: 'a pack', watermark: '1a2b5f0c33d1' };
const picture = (format: 'webp' | 'png') =>
  sharp({ create: { width: 64, height: 64, channels: 3, background: '#456' } })
    .toFormat(format)
    .toBuffer();

interface Report {
  readonly validation_state: string;
  readonly active_manifest: string;
  readonly manifests: Record<string, { assertions: { label: string; data: unknown }[] }>;
}
async function report(buffer: Buffer, mimeType: string): Promise<Report> {
  const reader = await Reader.fromAsset({ buffer, mimeType });
  return reader?.json() as Report;
}

describe('the development certificate', () => {
  const { certificates } = developmentCertificate(new Date('2026-03-01T12:00:00Z'));
  const [leaf, root] = certificates
    .split(/(?<=-----END CERTIFICATE-----\n)/)
    .map((pem) => new X509Certificate(pem));

  test('is a chain of a signer and an authority', () => {
    expect(leaf.checkIssued(root)).toBe(true);
    expect(leaf.verify(root.publicKey)).toBe(true);
    expect([leaf.ca, root.ca]).toEqual([false, true]);
    expect(leaf.validFrom).toBe('Feb 28 12:00:00 2026 GMT');
    expect(leaf.validTo).toBe('Feb 28 12:00:00 2036 GMT');
  });
});

describe('the signing identity', () => {
  test('is made once for an installation', () => {
    const first = signingIdentity(folder, ON);
    expect(signingIdentity(folder, ON)).toEqual(first);
    expect(first?.name).toBe('ZSky Node development signer');
  });

  test('is none where credentials are off', () => {
    expect(signingIdentity(folder, { ...ON, credentials: 'off' })).toBeUndefined();
  });

  test("is the operator's where files are named, and refused where they do not fit", () => {
    const one = developmentCertificate();
    const paths = { certificate: join(folder, 'chain.pem'), key: join(folder, 'key.pem') };
    writeFileSync(paths.certificate, one.certificates);
    writeFileSync(paths.key, one.key);
    const set = { ...ON, credentialsCertificate: paths.certificate, credentialsKey: paths.key };
    expect(signingIdentity(folder, set)?.key).toBe(one.key);
    writeFileSync(paths.key, developmentCertificate().key);
    expect(() => signingIdentity(folder, set)).toThrow(/does not belong/);
    writeFileSync(paths.key, 'no key');
    expect(() => signingIdentity(folder, set)).toThrow(/no PEM/);
    expect(() => signingIdentity(folder, { ...set, credentialsKey: undefined })).toThrow(/go together/);
    expect(() => signingIdentity(folder, { ...set, credentialsKey: join(folder, 'gone') })).toThrow(
      /cannot be read/,
    );
  });
});

describe('signing', () => {
  const opened = openCredentialSigner(signingIdentity(folder, ON));

  test.each(['webp', 'png'] as const)('%s reads valid, and invalid after one flipped bit', async (format) => {
    const plain = await picture(format);
    const type = `image/${format}`;
    const signer = await opened;
    expect(signer.state).toBe('signed by ZSky Node development signer');
    const signed = await signer.sign({ type: 'memory', data: plain }, type, FACTS);
    if (signed.type !== 'memory') throw new Error('a picture stays in memory');
    const bytes = Buffer.from(signed.data);
    expect(bytes.length - plain.length).toBeLessThan(15 * 1024);
    const { validation_state: state, manifests, active_manifest: active } = await report(bytes, type);
    expect(state).toBe('Valid');
    expect(manifests[active].assertions.map(({ label, data }) => ({ label, data }))).toEqual([
      {
        label: 'c2pa.actions.v2',
        data: {
          actions: [
            expect.objectContaining({
              action: 'c2pa.created',
              softwareAgent: { name: 'a pack' },
              digitalSourceType: 'http://cv.iptc.org/newscodes/digitalsourcetype/trainedAlgorithmicMedia',
            }),
            { action: 'c2pa.watermarked.bound' },
          ],
        },
      },
      {
        label: 'c2pa.soft-binding',
        data: { alg: 'org.zsky.keyed-mark.1', blocks: [{ scope: {}, value: 'GitfDDPR' }] },
      },
    ]);
    // The picture's own bytes: in WebP the manifest comes last, in PNG before the samples.
    bytes[format === 'webp' ? 40 : bytes.length - 20] ^= 1;
    expect((await report(bytes, type)).validation_state).toBe('Invalid');
  });

  test('a file is replaced by the signed one', async () => {
    const path = join(folder, 'a.webp');
    writeFileSync(path, await picture('webp'));
    const signed = await (await opened).sign({ type: 'file', path }, 'image/webp', FACTS);
    expect(signed).toEqual({ type: 'file', path });
    expect((await report(readFileSync(path), 'image/webp')).validation_state).toBe('Valid');
  });

  test('fails with its code for what is no picture', async () => {
    const source = { type: 'memory', data: Buffer.from('no picture') } as const;
    await expect((await opened).sign(source, 'image/webp', FACTS)).rejects.toMatchObject({
      code: 'CREDENTIALS_FAILED',
    });
  });

  test('leaves media as they are where there is no identity', async () => {
    const signer = await openCredentialSigner(undefined);
    const source = { type: 'memory', data: await picture('webp') } as const;
    expect(signer.state).toBe('off');
    expect(await signer.sign(source, 'image/webp', FACTS)).toBe(source);
    expect(unsigned('not signing: no library').state).toBe('not signing: no library');
  });

  test('refuses a certificate that may not sign', async () => {
    const { certificates, key } = developmentCertificate();
    const [, authority] = certificates.split(/(?<=-----END CERTIFICATE-----\n)/);
    const signer = await openCredentialSigner({ certificates: authority, key, name: 'x' }).catch(
      (error: unknown) => error,
    );
    // Refused when it is loaded or at the first signature: never signed with.
    const outcome =
      signer instanceof Error
        ? signer
        : await (signer as Awaited<typeof opened>)
            .sign({ type: 'memory', data: await picture('webp') }, 'image/webp', FACTS)
            .catch((error: unknown) => error);
    expect(outcome).toBeInstanceOf(Error);
  });
});
