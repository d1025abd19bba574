import { spawnSync } from 'node:child_process';
import type { ProbeResult } from '../../daemon/media/probe.js';

interface Stream {
  readonly codec_type: string;
  readonly width?: number;
  readonly height?: number;
  readonly nb_read_frames?: string;
  readonly r_frame_rate?: string;
  readonly duration?: string;
  readonly start_time?: string;
}

/** A file's figures as ffprobe counts them, with its complaints; undefined where the machine has no ffprobe. */
export function ffprobeFigures(path: string): string | undefined {
  const found = spawnSync(
    'ffprobe',
    ['-v', 'warning', '-count_frames', '-show_streams', '-of', 'json', path],
    {
      encoding: 'utf8',
      maxBuffer: 1 << 24,
    },
  );
  if (found.error !== undefined) return undefined;
  const { streams } = JSON.parse(found.stdout) as { streams: Stream[] };
  const video = streams.find((stream) => stream.codec_type === 'video');
  const audio = streams.find((stream) => stream.codec_type === 'audio');
  const complaint = found.stderr.trim() === '' ? '' : ` complaint: ${found.stderr.trim()}`;
  return `${video?.width}x${video?.height} ${video?.nb_read_frames} frames ${video?.r_frame_rate} video ${video?.duration} s audio ${audio?.duration} s start ${video?.start_time} ${audio?.start_time}${complaint}`;
}

/** What decoding a film from end to end showed, one line a track. */
export function probeLines({ video, audio, complaints }: ProbeResult): string[] {
  const seconds = (ms: number): string => `${(ms / 1000).toFixed(3)} s`;
  return [
    video === undefined
      ? 'picture    none'
      : `picture    ${video.width}x${video.height}, ${video.frames} frames at ${video.framesPerSecond}/s, ${seconds(video.durationMs)} from ${seconds(video.startMs)}, ${video.codec} ${video.profile} ${video.pixelFormat} ${video.colour}`,
    audio === undefined
      ? 'sound      none'
      : `sound      ${seconds(audio.durationMs)} from ${seconds(audio.startMs)}, ${audio.codec} ${audio.sampleRateHz} Hz ${audio.channels}`,
    `decoder    ${complaints.length === 0 ? 'no warning' : complaints.join(' | ')}`,
  ];
}
