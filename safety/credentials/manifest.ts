/** What a manifest says of a result. */
export interface ManifestFacts {
  /** Version of this program. */
  readonly version: string;
  /** Name of the model pack that made it. */
  readonly pack: string;
  /** Watermark payload, lower-case hex. */
  readonly watermark: string;
  readonly when: Date;
}

/** IPTC's word for what a trained model made. */
const MADE_BY_MODEL = 'http://cv.iptc.org/newscodes/digitalsourcetype/trainedAlgorithmicMedia';
/** Name of our mark as a soft binding; docs/watermark.md is its description. */
const SOFT_BINDING = 'org.zsky.keyed-mark.1';

/**
 * A C2PA 2 manifest: made by a model, when, with what, and which invisible watermark the result carries, so that the
 * manifest can be found again for a copy that lost it.
 */
export function manifestOf({ version, pack, watermark, when }: ManifestFacts): object {
  return {
    claim_generator_info: [{ name: 'ZSky Node', version }],
    assertions: [
      {
        label: 'c2pa.actions.v2',
        data: {
          actions: [
            {
              action: 'c2pa.created',
              when: when.toISOString(),
              softwareAgent: { name: pack },
              digitalSourceType: MADE_BY_MODEL,
            },
            { action: 'c2pa.watermarked.bound' },
          ],
        },
      },
      {
        label: 'c2pa.soft-binding',
        data: {
          alg: SOFT_BINDING,
          blocks: [{ scope: {}, value: Buffer.from(watermark, 'hex').toString('base64') }],
        },
      },
    ],
  };
}
