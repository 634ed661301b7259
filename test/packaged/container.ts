/** One container of a packaged function: a process of its own, with its own environment, that runs one event at a time. */
import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';

/** How Lambda tells that a function failed: the payload of an answer with a function error. */
export interface FunctionError {
  errorType: string;
  errorMessage: string;
  trace?: string[];
}

export type ContainerAnswer = { payload: string } | { error: FunctionError };

export interface ContainerOptions {
  /** Folder with the unpacked zip. */
  folder: string;
  handler: string;
  /** The whole environment of the process: nothing is inherited. */
  environment: Record<string, string>;
  timeoutMs: number;
  onOutput(text: string): void;
}

type Message = ContainerAnswer | { ready: true };

export class Container {
  readonly #child: ChildProcess;
  readonly #timeoutMs: number;

  private constructor(child: ChildProcess, timeoutMs: number) {
    this.#child = child;
    this.#timeoutMs = timeoutMs;
  }

  /** Whether it can take another event. */
  get alive(): boolean {
    return this.#child.exitCode === null && this.#child.signalCode === null;
  }

  /** A cold start: ready, or why the function could not be imported. */
  static async start(options: ContainerOptions): Promise<Container | { error: FunctionError }> {
    const child = fork(join(import.meta.dirname, 'container-runtime.mjs'), [options.handler], {
      cwd: options.folder,
      env: options.environment,
      execArgv: [],
      silent: true,
    });
    for (const stream of [child.stdout!, child.stderr!]) {
      stream.setEncoding('utf8').on('data', options.onOutput);
    }
    const container = new Container(child, options.timeoutMs);
    const first = await container.#nextMessage();
    if ('ready' in first) return container;
    await container.stop();
    if ('error' in first) return first;
    throw new Error('the container answered before it was asked');
  }

  /**
   * Runs one event to its end.
   * @param event JSON text
   * @returns the handler's answer; a function error when it threw, ended its process or took longer than its time-out.
   *   After one of the last two the container is gone
   */
  async invoke(event: string, requestId: string): Promise<ContainerAnswer> {
    const late = Promise.withResolvers<undefined>();
    const timer = setTimeout(() => late.resolve(undefined), this.#timeoutMs);
    const answer = this.#nextMessage(`RequestId: ${requestId} `);
    this.#child.send({ event, requestId, deadline: Date.now() + this.#timeoutMs });
    const first = await Promise.race([answer, late.promise]);
    clearTimeout(timer);
    if (first && 'ready' in first) throw new Error('the container became ready twice');
    if (first) return first;
    await this.stop();
    const seconds = (this.#timeoutMs / 1000).toFixed(2);
    return {
      error: {
        errorType: 'Sandbox.Timedout',
        errorMessage: `RequestId: ${requestId} Error: Task timed out after ${seconds} seconds`,
      },
    };
  }

  /** Kills the process, whatever it does. */
  async stop(): Promise<void> {
    if (!this.alive) return;
    this.#child.kill('SIGKILL');
    await once(this.#child, 'exit');
  }

  #nextMessage(origin = ''): Promise<Message> {
    return new Promise((resolve) => {
      const onMessage = (message: unknown) => {
        this.#child.off('exit', onExit);
        resolve(message as Message);
      };
      const onExit = (code: number | null, signal: string | null) => {
        this.#child.off('message', onMessage);
        const how = signal ? `signal: ${signal}` : `exit status ${code}`;
        resolve({
          error: {
            errorType: 'Runtime.ExitError',
            errorMessage: `${origin}Error: Runtime exited with error: ${how}`,
          },
        });
      };
      this.#child.once('message', onMessage);
      this.#child.once('exit', onExit);
    });
  }
}
