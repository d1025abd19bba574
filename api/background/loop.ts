import type { Logger } from '../../core/logging.js';

/** Something that is done again and again until it is stopped. */
export interface Loop {
  /** Does the next round now instead of later. */
  wake(): void;
  /** Resolves when the round under way is over. */
  stop(): Promise<void>;
}

/**
 * Runs rounds one after the other, `everyMs` apart or sooner when woken. A round that fails is logged and the
 * next one comes as usual. A round that returns true has more to do and is repeated at once.
 */
export function startLoop(
  name: string,
  everyMs: number,
  log: Logger,
  round: () => Promise<boolean | void>,
): Loop {
  let stopped = false;
  let woken = false;
  let interrupt = (): void => undefined;
  const pause = () =>
    new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, everyMs);
      timer.unref();
      interrupt = () => {
        clearTimeout(timer);
        resolve();
      };
    });
  const run = async (): Promise<void> => {
    let failures = 0;
    while (!stopped) {
      woken = false;
      let more: boolean | void = false;
      try {
        more = await round();
        failures = 0;
      } catch (error) {
        // A trouble that lasts is told once, not at every round.
        if ((failures += 1) === 1) log.error({ err: error, loop: name }, 'a background round failed');
      }
      if (more !== true && !woken && !stopped) await pause();
    }
  };
  const running = run();
  return {
    wake() {
      woken = true;
      interrupt();
    },
    async stop() {
      stopped = true;
      interrupt();
      await running;
    },
  };
}
