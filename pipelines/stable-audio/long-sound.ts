import type { PcmAudio } from '../../core/media.js';

const FADE_SECONDS = 0.6;

/** Durations of the stretches that make up a sound of `seconds`, each at most `longest`, overlapping by the fade. */
export function stretchesOf(seconds: number, longest: number): number[] {
  if (seconds <= longest) return [seconds];
  const fade = Math.min(FADE_SECONDS, longest / 4);
  const count = Math.ceil((seconds - fade) / (longest - fade));
  return new Array<number>(count).fill(longest);
}

/** Joins stretches by equal-power cross-fades, which keep the loudness of sounds that have nothing in common. */
export function joinStretches(stretches: readonly PcmAudio[], sampleCount: number): PcmAudio {
  const [first] = stretches;
  const { sampleRateHz } = first;
  if (stretches.length === 1) {
    return { sampleRateHz, channels: first.channels.map((channel) => channel.subarray(0, sampleCount)) };
  }
  const length = first.channels[0].length;
  const fade = Math.floor(Math.min(FADE_SECONDS, length / sampleRateHz / 4) * sampleRateHz);
  const channels = first.channels.map((_, side) => {
    const out = new Float32Array(sampleCount);
    stretches.forEach((stretch, index) => {
      const channel = stretch.channels[side];
      const start = index * (length - fade);
      for (let at = 0; at < channel.length && start + at < sampleCount; at++) {
        const rising = index > 0 && at < fade ? Math.sin((Math.PI / 2) * (at / fade)) : 1;
        const left = channel.length - at;
        const falling =
          index < stretches.length - 1 && left <= fade ? Math.sin((Math.PI / 2) * (left / fade)) : 1;
        out[start + at] += channel[at] * rising * falling;
      }
    });
    return out;
  });
  return { sampleRateHz, channels };
}
