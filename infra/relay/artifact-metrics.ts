/** What `/metrics` shows of the artifact server. */
import { Counter, Registry } from 'prom-client';

/**
 * `sent`: the whole file, or its head. `missing`: 404. `failed`: 503, the store did not answer. `broken`: the connection
 * ended before the file did, whoever ended it.
 */
export type AnswerResult = 'sent' | 'missing' | 'failed' | 'broken';

export interface ArtifactMetrics {
  answered(result: AnswerResult): void;
  /** Bytes that were given to a connection. */
  sent(bytes: number): void;
  /** The exposition format. */
  text(): Promise<string>;
}

export function createArtifactMetrics(): ArtifactMetrics {
  const registry = new Registry();
  const registers = [registry];
  const answers = new Counter({
    name: 'longshore_artifact_answers_total',
    help: 'Requests for artifacts, by result.',
    labelNames: ['result'],
    registers,
  });
  const bytes = new Counter({
    name: 'longshore_artifact_sent_bytes_total',
    help: 'Bytes of artifacts that were sent.',
    registers,
  });
  return {
    answered: (result) => answers.inc({ result }),
    sent: (count) => bytes.inc(count),
    text: () => registry.metrics(),
  };
}
