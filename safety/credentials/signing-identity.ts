import { createPrivateKey, X509Certificate } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { installationSecret } from '../../core/config/secrets.js';
import type { DaemonSettings } from '../../core/config/settings.js';
import { NodeError } from '../../core/errors.js';
import { developmentCertificate } from './development-certificate.js';

/** What manifests are signed with. */
export interface SigningIdentity {
  /** PEM chain, the signer's own certificate first. */
  readonly certificates: string;
  /** PEM private key. */
  readonly key: string;
  /** Whom the certificate names. */
  readonly name: string;
}

const PEM = /-----BEGIN ([A-Z ]+)-----[^-]+-----END \1-----\n?/g;

function readPem(path: string, setting: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch (cause) {
    throw new NodeError('CONFIG_INVALID', `${setting}: ${path} cannot be read`, { cause });
  }
}

function identityOf(certificates: string, key: string, where: string): SigningIdentity {
  let certificate: X509Certificate;
  let fits: boolean;
  try {
    certificate = new X509Certificate(certificates);
    fits = certificate.checkPrivateKey(createPrivateKey(key));
  } catch (cause) {
    throw new NodeError('CONFIG_INVALID', `${where}: this is no PEM certificate with its PEM private key`, {
      cause,
    });
  }
  if (!fits) throw new NodeError('CONFIG_INVALID', `${where}: the key does not belong to the certificate`);
  const name = /^CN=(.*)$/m.exec(certificate.subject)?.[1] ?? certificate.subject;
  return { certificates, key, name };
}

/**
 * The operator's certificate and key or, where none is set, a development pair that belongs to this installation;
 * undefined where credentials are switched off.
 * @throws CONFIG_INVALID, DATA_FOLDER_UNWRITABLE
 */
export function signingIdentity(
  dataDir: string,
  settings: Pick<DaemonSettings, 'credentials' | 'credentialsCertificate' | 'credentialsKey'>,
): SigningIdentity | undefined {
  if (settings.credentials === 'off') return undefined;
  const { credentialsCertificate: certificate, credentialsKey: key } = settings;
  if (certificate !== undefined && key !== undefined) {
    return identityOf(
      readPem(certificate, 'daemon.credentialsCertificate'),
      readPem(key, 'daemon.credentialsKey'),
      'daemon.credentialsCertificate',
    );
  }
  if (certificate !== undefined || key !== undefined) {
    throw new NodeError(
      'CONFIG_INVALID',
      'daemon.credentialsCertificate and daemon.credentialsKey go together',
      {
        hint: 'Set both, or neither for a development certificate.',
      },
    );
  }
  const stored = installationSecret(dataDir, 'credentials.pem', () => {
    const made = developmentCertificate();
    return made.key + made.certificates;
  });
  const parts = [...stored.matchAll(PEM)];
  const certificates = parts.filter(([, label]) => label === 'CERTIFICATE').map(([text]) => text.trim());
  const keys = parts.filter(([, label]) => label.endsWith('PRIVATE KEY')).map(([text]) => text);
  return identityOf(`${certificates.join('\n')}\n`, keys.join(''), 'credentials.pem in the data folder');
}
