import type * as C2pa from '@contentauth/c2pa-node';
import { createPrivateKey } from 'node:crypto';
import { rename, rm } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { NodeError } from '../../core/errors.js';
import { PROGRAM_VERSION } from '../../core/paths.js';
import type { MediaSource } from '../../core/released.js';
import { manifestOf, type ManifestFacts } from './manifest.js';
import type { SigningIdentity } from './signing-identity.js';

type ResultFacts = Pick<ManifestFacts, 'pack' | 'watermark'>;

/** Signs a manifest into finished files, or says why it does not. */
export interface CredentialSigner {
  /** In words for the node's health: `signed by NAME`, `off`, or what is missing. */
  readonly state: string;
  /**
   * The same media with its manifest; as it was where this node cannot sign. A file is replaced by the signed one.
   * @throws CREDENTIALS_FAILED
   */
  sign(source: MediaSource, contentType: string, facts: ResultFacts): Promise<MediaSource>;
}

/** A node without credentials. */
export function unsigned(state: string): CredentialSigner {
  return { state, sign: async (source) => source };
}

/** The signature algorithm of a key in C2PA's words (specification 2.2, 13.2). @throws CREDENTIALS_FAILED */
function algorithmOf(pem: string): 'es256' | 'es384' | 'es512' | 'ps256' | 'ed25519' {
  const { asymmetricKeyType, asymmetricKeyDetails } = createPrivateKey(pem);
  const curves: Record<string, 'es256' | 'es384' | 'es512'> = {
    prime256v1: 'es256',
    secp384r1: 'es384',
    secp521r1: 'es512',
  };
  const curve = curves[asymmetricKeyDetails?.namedCurve ?? ''];
  if (asymmetricKeyType === 'ec' && curve !== undefined) return curve;
  if (asymmetricKeyType === 'rsa' || asymmetricKeyType === 'rsa-pss') return 'ps256';
  if (asymmetricKeyType === 'ed25519') return 'ed25519';
  throw new NodeError('CONFIG_INVALID', `C2PA knows no signature by a key of type ${asymmetricKeyType}`, {
    hint: 'Use a P-256, P-384, P-521, RSA or Ed25519 key for daemon.credentialsKey.',
  });
}

/** Thumbnails would be most of a manifest, and the file itself is at hand. */
const BUILDER_SETTINGS = { builder: { thumbnail: { enabled: false } } };

/**
 * A signer for this identity. Where the C2PA library is not installed or does not run on this machine, the node works
 * without, and its state tells.
 * @throws CONFIG_INVALID for a certificate that the library refuses
 */
export async function openCredentialSigner(identity: SigningIdentity | undefined): Promise<CredentialSigner> {
  if (identity === undefined) return unsigned('off');
  let library: typeof C2pa;
  try {
    library = await import('@contentauth/c2pa-node');
  } catch (error) {
    return unsigned(`not signing: ${(error as Error).message.split('\n')[0]}`);
  }
  const { Builder, LocalSigner } = library;
  const algorithm = algorithmOf(identity.key);
  let signer: InstanceType<typeof LocalSigner>;
  try {
    signer = LocalSigner.newSigner(Buffer.from(identity.certificates), Buffer.from(identity.key), algorithm);
  } catch (error) {
    // The binary is loaded by the first call that needs it.
    const reason = (error as Error).message.split('\n')[0];
    if (
      (error as NodeJS.ErrnoException).code?.startsWith('ERR_DLOPEN') === true ||
      /index\.node/.test(reason)
    )
      return unsigned(`not signing: ${reason}`);
    throw new NodeError('CONFIG_INVALID', `the C2PA library refuses the certificate: ${reason}`, {
      cause: error,
    });
  }
  return {
    state: `signed by ${identity.name}`,
    sign: async (source, contentType, facts) => {
      const definition = manifestOf({ ...facts, version: PROGRAM_VERSION, when: new Date() });
      try {
        const builder = Builder.withJson(
          definition as Parameters<typeof Builder.withJson>[0],
          BUILDER_SETTINGS,
        );
        if (source.type === 'memory') {
          const { buffer, byteOffset, length } = source.data;
          const output: { buffer: Buffer | null } = { buffer: null };
          builder.sign(
            signer,
            { buffer: Buffer.from(buffer, byteOffset, length), mimeType: contentType },
            output,
          );
          if (output.buffer === null) throw new Error('the library gave nothing back');
          return { type: 'memory', data: output.buffer };
        }
        const signed = join(dirname(source.path), `signed-${basename(source.path)}`);
        try {
          builder.sign(signer, { path: source.path, mimeType: contentType }, { path: signed });
          await rename(signed, source.path);
        } finally {
          await rm(signed, { force: true });
        }
        return source;
      } catch (error) {
        throw new NodeError('CREDENTIALS_FAILED', 'the C2PA manifest could not be signed into the result', {
          cause: error,
        });
      }
    },
  };
}
